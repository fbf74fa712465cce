"""The only floor that knows prompt_toolkit and rich: reading keys, and painting what comes back."""
