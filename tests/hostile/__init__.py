"""Values and files that nobody would write in good faith."""
