"""The chat in a real tmux: a person types in every script, and the journal has what they saw."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import unicodedata
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gptchat.terminal.input.editing import LineEditor
from tests.chat.home import Home
from tests.engines.engines import require
from tests.support.server import Server

LINES = [
    "plan ⚠️ please read it first ✔️ then 1️⃣ 👍🏽 go",
    "हिन्दी में विभिन्न संस्कृति",
    "ភាសាខ្មែរ and น้ำ and ภาษาไทย",
    "한국어 שָׁלוֹם cafe\u0301 漢字 👨‍👩‍👧 🇩🇪!",
]


class Window:
    """A tmux server of its own with one window, in which the chat runs."""

    def __init__(self, home: Home, columns: int) -> None:
        self._tmux = ["tmux", "-u", "-S", str(home.folder / uuid.uuid4().hex[:6]), "-f", "/dev/null"]
        environment = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", **home.environment}
        size = ["-x", str(columns), "-y", "24"]
        self._run("new-session", "-d", *size, f"{sys.executable} -m gptchat", env=environment)

    def _run(self, *command: str, env: dict[str, str] | None = None) -> str:
        done = subprocess.run([*self._tmux, *command], check=True, capture_output=True, text=True, env=env)
        return done.stdout

    def type(self, text: str) -> None:
        """Type `text` as it is."""
        self._run("send-keys", "-l", "--", text)

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names."""
        self._run("send-keys", *keys)

    @property
    def shown(self) -> str:
        """The screen without blanks and row ends, composed."""
        return squeezed(self._run("capture-pane", "-p"))

    def shows(self, draft: str) -> bool:
        """Whether `draft`, and nothing else, stands after the prompt."""
        return re.search(f"›{re.escape(squeezed(draft))}(test-model·|≈|alice·|$)", self.shown) is not None

    def wait_for(self, holds: Callable[[], object]) -> None:
        """Wait until `holds()`."""
        end = time.monotonic() + 20
        while not holds():
            assert time.monotonic() < end, self._run("capture-pane", "-p")
            time.sleep(0.02)

    def close(self) -> None:
        """End the server, and the chat with it."""
        subprocess.run([*self._tmux, "kill-server"], check=False, capture_output=True)


def squeezed(text: str) -> str:
    """`text` without blanks, composed."""
    return unicodedata.normalize("NFC", "".join(text.split()))


@pytest.fixture(params=[80, 24])
def window(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Window, Home]]:
    """The chat in a window of tmux, and the home of its person."""
    require("tmux")
    home = Home(tmp_path)
    with Server() as server:
        home.connect(server.url)
        opened = Window(home, request.param)
        try:
            opened.wait_for(lambda: "alice›" in opened.shown)
            yield opened, home
        finally:
            opened.close()


def test_the_journal_has_what_was_shown(window: tuple[Window, Home]) -> None:
    """Typed, corrected in the middle and sent: tmux shows the draft as it is, and the journal has the same."""
    chat, home = window
    for line in LINES:
        correct_and_send(chat, home, line)


def correct_and_send(chat: Window, home: Home, line: str) -> None:
    """Type `line`, correct it here and there, and send it; after each step the screen shows the draft."""
    count = len(sent(home, "assistant")) + 1
    editor = LineEditor()  # the same rules, without a screen
    editor.insert(line)
    chat.type(line)
    chat.wait_for(lambda: chat.shows(editor.text))
    for key, edit in (
        *[("Left", editor.left)] * 3,
        ("BSpace", editor.delete_before),
        ("Left", editor.left),
        ("DC", editor.delete_after),
    ):
        chat.press(key)
        edit()
        chat.wait_for(lambda: chat.shows(editor.text))
    chat.type("⚠️हि")
    editor.insert("⚠️हि")
    chat.wait_for(lambda: chat.shows(editor.text))
    chat.press("End", "BSpace", "BSpace")
    editor.end()
    editor.delete_before()
    editor.delete_before()
    chat.type("x👍🏽")
    editor.insert("x👍🏽")
    chat.wait_for(lambda: chat.shows(editor.text))
    chat.press("Enter")
    chat.wait_for(lambda: len(sent(home, "assistant")) == count)
    assert sent(home, "user")[-1] == editor.text
    chat.wait_for(lambda: chat.shows(""))


def sent(home: Home, role: str) -> list[str]:
    """The saved texts of `role`."""
    return [text for name, text, _ in home.messages() if name == role] if home.journals() else []
