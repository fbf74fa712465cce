"""Commands about templates: presets, and commands of the user's own."""
