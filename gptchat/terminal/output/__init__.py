"""Terminal output: reply painters, screen, toolbar and themes."""
