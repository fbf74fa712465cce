"""The command that rewrites texts."""
