"""The only HTTP client: proxies, certificates, timeouts, and answers that cannot burst the memory."""
