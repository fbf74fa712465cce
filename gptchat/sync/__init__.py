"""Synchronisation: the union of this machine's sessions with those in a folder that any service carries."""
