"""A conversation from text to account: say, retry, continue; no user interface."""
