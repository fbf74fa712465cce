"""The provider for the GPT+ open platform."""
