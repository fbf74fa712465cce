"""The dialogue that connects to a provider: the first screen, and `/connect` at any time."""
