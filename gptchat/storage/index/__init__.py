"""Lists and searches over the journals: a cache that may be deleted at any time."""
