"""What is kept when the user leaves: drafts, queued messages, and sessions that could not be saved."""
