"""Users and sessions on disk. Import the module you need; this package itself loads nothing."""
