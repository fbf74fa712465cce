"""The built-in offline demo."""
