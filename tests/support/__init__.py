"""What several tests use: a loopback server, a terminal screen, a real engine."""
