"""Leaving the program from any state, in any way."""
