"""Parts of routing: the limits of a route, and requests outside of sessions."""
