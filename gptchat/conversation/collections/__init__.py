"""Collections of documents: what they hold, reading what has changed, and asking them for a message."""
