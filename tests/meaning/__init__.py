"""Tests of search by meaning, and of vectors for scripts."""
