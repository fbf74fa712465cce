"""The OpenAI SDK: how it is imported, and the options of its clients."""
