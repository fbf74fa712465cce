"""Refusals that servers sent, and what the program makes of them."""
