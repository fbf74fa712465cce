"""The slash commands, run in the whole program against a scripted server."""
