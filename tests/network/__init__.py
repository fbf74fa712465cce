"""Real and broken peers on the way to a server."""
