"""`python -m gptchat`: the same program as the `gptchat` command."""

from gptchat.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
