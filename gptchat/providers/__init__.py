"""Providers: endpoints with an address, a key and a wire API. The code of a kind is imported on first use."""
