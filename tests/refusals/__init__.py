"""What servers refuse, and what is made of it."""
