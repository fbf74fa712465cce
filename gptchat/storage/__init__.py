"""Users and sessions on disk. Import the module you need; the package itself imports nothing."""
