"""Tests of answers that are JSON of a given shape."""
