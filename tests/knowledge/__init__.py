"""What is found in texts."""
