"""The Markdown grammar: source to blocks, inline tokens and highlighted code, without width, colour or output."""
