"""Calls of tools in the terminal: how they are painted, and how the person is asked about them."""
