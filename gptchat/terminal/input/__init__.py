"""What a person types: the prompt, keys, completion, history, questions."""
