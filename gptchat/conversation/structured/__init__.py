"""Answers that fit a schema: how it is given, how an answer is checked, how it is asked for once more."""
