"""Readers of other programs' chats, one module for each program or family; `shapes` recognises them."""
