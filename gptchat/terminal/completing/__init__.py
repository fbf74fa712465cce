"""Completion: what can be completed where, in the chat and on a shell's command line."""
