"""Completion in the shells themselves."""
