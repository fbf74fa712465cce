"""The tools family: what the model may call, where it is from, and what it may do without asking."""
