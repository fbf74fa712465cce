"""Slash commands, one file a family; a command is declared as data and yields effects, never prints."""
