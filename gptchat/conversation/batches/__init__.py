"""Many questions at once: their lines, and how they are sent within a limit that heeds the server."""
