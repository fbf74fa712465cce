"""Turns as a person lives them: against a real server, with real journals."""
