"""The GPT+ platform."""
