"""The forms in which providers are asked for an answer that fits a schema, from the surest to the plainest."""
