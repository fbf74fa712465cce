"""Keyboard input: the prompt, key bindings, completion, history, drafts and questions."""
