"""Endpoints of a server besides replies."""
