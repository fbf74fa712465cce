"""Keeps vectors of texts in the cache, and which passages of which session they belong to."""
