"""Tests of the library: `Chat` and `AsyncChat`."""
