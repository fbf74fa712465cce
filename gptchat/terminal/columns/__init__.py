"""Whole characters, and text that stands in the same columns whatever widths a terminal gives it."""
