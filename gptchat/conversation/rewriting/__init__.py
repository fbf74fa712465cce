"""Texts rewritten by instruction: pieces that fit the window, and the model's answers put together."""
