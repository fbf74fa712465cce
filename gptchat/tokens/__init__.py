"""Token counting for texts, messages and requests: tiktoken with bundled vocabularies, else an estimate."""
