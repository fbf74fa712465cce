"""Commands about collections of documents."""
