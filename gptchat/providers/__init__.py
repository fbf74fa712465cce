"""Endpoints that answer: an address, a key and a wire API each; the code of a kind is loaded when first used."""
