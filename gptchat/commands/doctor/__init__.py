"""/doctor: checks of the connection and of the store."""
