"""Keys as a terminal sends them."""

from __future__ import annotations

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.input.vt100_parser import Vt100Parser
from prompt_toolkit.key_binding.key_processor import KeyPress

from gptchat.terminal.input.posix_keyboard import PasteParser

PIECES = ["a", "你", "\x1b", "\x1b[A", "\x1b[200~", "\x1b[201~", "\r", "\n", "\x1b[20", "0~", "1~", "paste " * 5]


def parsed(parser_class: type[Vt100Parser], chunks: list[str]) -> list[KeyPress]:
    """The keys of a stream that arrives in `chunks`."""
    keys: list[KeyPress] = []
    parser = parser_class(keys.append)
    for chunk in chunks:
        parser.feed(chunk)
    parser.flush()
    return keys


@given(st.lists(st.sampled_from(PIECES), max_size=12), st.data())
def test_pastes_are_found_however_they_arrive(pieces: list[str], data: st.DataObject) -> None:
    """A paste is one key whole, and every other key itself, wherever the stream is cut."""
    stream = "".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    chunks = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert parsed(PasteParser, chunks) == parsed(Vt100Parser, [stream])


def test_only_what_a_prompt_needs_is_loaded() -> None:
    """The prompt does not wait for the libraries that draw Markdown, talk to servers or count tokens."""
    code = "import sys, gptchat.terminal.input.prompt as _; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "prompt_toolkit" in loaded
    assert not {"rich", "openai", "tiktoken", "pygments", "httpx2", "sqlite3"} & set(loaded)
