"""Lists and searches the journals, with a cache that may be deleted at any time."""
