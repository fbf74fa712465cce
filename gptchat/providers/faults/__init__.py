"""Server failures: classifies them, learns from them, and decides when to retry."""
