"""Tools in a conversation: which are offered, who agrees to a call, and the rounds of a turn."""
