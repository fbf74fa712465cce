"""The line you type: keys, recall, completion, drafts, and listening while a reply streams."""
