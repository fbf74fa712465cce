"""Training files and tuned models: `/export training` and `/tune`."""
