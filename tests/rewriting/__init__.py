"""Tests of texts that are rewritten."""
