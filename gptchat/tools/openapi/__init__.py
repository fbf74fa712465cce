"""Tools from OpenAPI documents: each operation is one."""
