"""Users and sessions on disk."""
