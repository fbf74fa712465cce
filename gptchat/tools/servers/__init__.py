"""MCP servers, started or reached through the official SDK, which is the extra `mcp`."""
