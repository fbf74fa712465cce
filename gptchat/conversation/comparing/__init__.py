"""Several models asked the same at once, and questions aside, from content to account; no user interface."""
