"""MCP servers: started or reached behind the prompt, with the official SDK, which is an extra."""
