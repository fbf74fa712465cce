"""What people script against: the command line, its output, its exit statuses, and the files on disk."""
