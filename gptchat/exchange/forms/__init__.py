"""Forms that values have in other programs' files: times, HTML, and YAML."""
