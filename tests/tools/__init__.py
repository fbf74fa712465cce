"""Tools of all sources."""
