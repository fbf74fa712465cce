"""The tests: each states, in one sentence, something a person can rely on."""
