"""What is said and signalled around a conversation: the greeting, the way back, and the bell."""
