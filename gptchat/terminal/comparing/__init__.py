"""Draws the answers of several models to one message."""
