"""How many tokens a text, a message, a request has: tiktoken with its vocabulary at hand, else an estimate."""
