"""The terminal front ends, interactive chat and one-shot; the only layer that imports prompt_toolkit and rich."""
