"""Removing for good, and moving people: what leaves nothing behind, and what can come back."""
