"""What a person sees: painters, screen, toolbar, theme."""
