"""Commands that work with vectors: search by meaning, and vectors for scripts."""
