"""Tests of the dialogue that connects to a provider."""
