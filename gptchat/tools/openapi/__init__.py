"""OpenAPI 3.0 and 3.1 documents as tools: each operation is one."""
