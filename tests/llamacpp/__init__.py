"""The real thing: conversations with llama.cpp's own server on a tiny hand-made model."""
