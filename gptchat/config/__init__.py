"""Typed settings with the origin of each value."""
