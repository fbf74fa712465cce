"""Commands that ask other models, or beside the conversation."""
