"""What is typed: how a line is read, and templates that its words fill."""
