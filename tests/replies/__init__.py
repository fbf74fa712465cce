"""What arrives in a reply besides text: pictures, sources, reasoning."""
