"""What a running server tells of itself beside OpenAI's API."""
