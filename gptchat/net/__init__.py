"""The program's only HTTP client: proxies, certificates, timeouts and bounded response sizes."""
