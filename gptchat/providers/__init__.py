"""Providers: an endpoint and a wire API each; loaded when first used."""
