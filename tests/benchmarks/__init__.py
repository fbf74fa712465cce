"""Measurements, run by hand: scripts that print figures and ratios."""
