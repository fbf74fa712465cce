"""gptchat: an interactive chat in the terminal. Importing this package loads nothing else."""

__version__ = "1.0.0"
