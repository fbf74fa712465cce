"""People of this machine, and the trash that sessions and people go to."""
