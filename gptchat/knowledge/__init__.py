"""Finds texts by their words and by their meaning: cutting, terms and indexes. Knows no sessions and no files."""
