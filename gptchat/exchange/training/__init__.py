"""Training files: what sessions give to them, and whether a file is fit for a server."""
