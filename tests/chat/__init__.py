"""The whole program at the keyboard: a real pseudo-terminal, a real folder, a real server on loopback."""
