"""The settings: layers, the file, keys, and what people type."""
