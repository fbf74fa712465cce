"""Rules for what arrives in a reply: code, data addresses, reasoning and sources."""
