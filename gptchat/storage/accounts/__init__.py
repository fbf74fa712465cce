"""What each person spent, on the disk."""
