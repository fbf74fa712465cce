"""Files of other programs: readers that import, writers that export."""
