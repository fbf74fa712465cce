"""Reads bytes from outside in a child process that can be ended at any moment: PDFs, pages, imports."""
