"""The command that brings the sessions of several machines together."""
