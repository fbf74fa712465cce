"""Tools of all sources: Python files, commands, OpenAPI documents, MCP servers, and those built in."""
