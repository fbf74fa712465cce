"""Failures of servers: what they mean, what is learnt from them, when a request is sent again."""
