"""Finds texts by their meaning: vectors of passages, and their ranking."""
