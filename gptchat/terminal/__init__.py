"""The terminal: the only floor that knows prompt_toolkit and rich."""
