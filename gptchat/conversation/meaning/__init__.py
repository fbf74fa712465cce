"""Finds what was said by its meaning: vectors from a server, filled behind the prompt, merged with words."""
