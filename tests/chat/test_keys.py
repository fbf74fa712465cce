"""Every documented key in every state of the chat: no crash, nothing typed is lost, and the prompt answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from gptchat.commands.input import KEYS
from tests.chat.home import Home, asked, ready, say
from tests.support.screen import Screen
from tests.support.server import Gate, Server
from tests.support.server import say as reply

_NAMED = {"Enter": "\r", "Esc": "\x1b", "Tab": "\t", "Backspace": "\x7f"}
_ARROWS = {"Up": "A", "Down": "B", "Right": "C", "Left": "D"}


def sent_by(name: str) -> str:
    """What a terminal sends for a key as it is named in the table of keys, such as `Ctrl-X Ctrl-E` or `Alt-B`."""
    if " " in name:
        return "".join(map(sent_by, name.split()))
    modifier, _dash, key = name.rpartition("-")
    if modifier == "Ctrl":
        return chr(ord(key) & 0x1F)
    if key in _ARROWS:
        return f"\x1b[1;3{_ARROWS[key]}" if modifier else f"\x1b[{_ARROWS[key]}"
    plain = _NAMED[key] if len(key) > 1 else key.lower()
    return "\x1b" + plain if modifier == "Alt" else plain


DOCUMENTED = {name: sent_by(name) for names, _meaning in KEYS for name in names.split(", ")}


class Pressing:
    """A chat in which keys are pressed in one state, one after the other."""

    def __init__(self, screen: Screen, server: Server, edited: Path) -> None:
        self.screen = screen
        self.server = server
        self.edited = edited
        """A line for each time that the editor has begun, and for each that it has ended."""
        self.stay = edited.with_name("stay")
        self.gate = Gate()
        self.replies = 0

    def row(self) -> str:
        """The row of the cursor."""
        return self.screen.lines[self.screen.cursor[0]]

    def show(self, beginning: str) -> None:
        """Wait until the cursor stands on a row that begins so."""
        self.screen.wait_for(lambda: self.row().startswith(beginning))

    # The ways into each state.

    def draft(self) -> None:
        self.screen.send("two words")
        self.show("alice › two words")

    def streaming(self) -> None:
        self.gate, self.replies = Gate(), self.replies + 1
        self.server.script(reply(f"begin{self.replies} ", self.gate, "end"))
        self.screen.send("go\r")
        self.screen.wait_for(f"begin{self.replies}")

    def picker(self) -> None:
        self.screen.send("/resume\r")
        self.show("session ›")
        self.screen.wait_for("› first")

    def question(self) -> None:
        self.screen.send("!echo\r")
        self.show("› [n]")

    def menu(self) -> None:
        self.screen.send("/mo")
        self.screen.wait_for("/models")

    def search(self) -> None:
        self.screen.send("\x12")
        self.screen.wait_for("I-search backward")

    def editor(self) -> None:
        begun = self.edited.read_text().count("begin")
        self.stay.touch()
        self.screen.send("a\x18\x05")
        self.screen.wait_for(lambda: self.edited.read_text().count("begin") > begun)

    def vi_normal(self) -> None:
        self.screen.send("\x1b")
        self.screen.wait_for("NORMAL ·")

    # Back to an empty prompt.

    def idle(self) -> bool:
        """Whether the cursor stands in the draft of the prompt, with its toolbar below."""
        row = at = self.screen.cursor[0]
        while row and self.screen.lines[row][:1] in ("", " "):
            row -= 1
        below = self.screen.lines[at + 1 :]
        return self.screen.lines[row].startswith("alice ›") and any("alice ·" in line for line in below)

    def asks(self) -> bool:
        """Whether the cursor stands in something that Esc leaves."""
        return self.row().startswith(("session ›", "› [n]", "I-search"))

    def back(self, edits: int) -> None:
        """Leave the state, and clear the prompt, once the editor has come `edits` times to its end."""
        self.gate.open()
        self.stay.unlink(missing_ok=True)
        self.screen.wait_for(lambda: self.edited.read_text().count("end") >= edits)
        # The cursor reaches its row last: while a screen is being drawn it stands elsewhere.
        self.screen.wait_for(lambda: self.idle() or self.asks())
        if self.asks():
            self.screen.send("\x1b")
        self.screen.wait_for(self.idle)
        self.screen.send(",")
        self.screen.wait_for(lambda: "," in self.row())
        self.screen.send("\x03")
        ready(self.screen)


STATES: Mapping[str, Callable[[Pressing], object]] = {
    "prompt": lambda _pressing: None,
    "draft": Pressing.draft,
    "streaming": Pressing.streaming,
    "picker": Pressing.picker,
    "question": Pressing.question,
    "completion menu": Pressing.menu,
    "search": Pressing.search,
    "editor": Pressing.editor,
    "vi insert": lambda _pressing: None,
    "vi normal": Pressing.vi_normal,
}
_EDITOR = """
trap 'echo end >> edited; exit' INT
echo begin >> edited
while [ -e stay ]; do sleep 0.02; done
echo end >> edited
"""
"""Stays open as long as there is a file named `stay`."""
_EDITS = ("prompt", "draft", "completion menu", "editor", "vi insert", "vi normal")
"""States in which the editor opens."""
_LEAVE = {
    (state, "Ctrl-D") for state in ("prompt", "streaming", "picker", "question", "vi insert", "vi normal")
}  # with nothing typed


@pytest.mark.parametrize("state", STATES)
def test_every_documented_key(home: Home, server: Server, state: str) -> None:
    """Whatever key is pressed, what is typed after it appears, and a message is answered afterwards."""
    home.connect(server.url, f"[ui]\nvi = {str(state.startswith('vi')).lower()}\ntitle = false\nsuggest = false\n")
    edited = home.folder / "edited"
    edited.write_text("")
    script = home.folder / "editor.sh"
    script.write_text(_EDITOR)
    environment = {"VISUAL": f"sh '{script}'"}
    edits = 0
    screen = home.chat(rows=24, environment=environment)
    try:
        pressing = Pressing(screen, server, edited)
        say(screen, "first", "You said: first")
        for number, (name, keys) in enumerate(DOCUMENTED.items()):
            STATES[state](pressing)
            screen.send(keys)
            if (state, name) in _LEAVE:
                assert screen.wait_for_exit() == 0
                screen.close()
                screen = home.chat("-c", rows=24, environment=environment)
                pressing = Pressing(screen, server, edited)
                ready(screen)
                continue
            edits += (state == "editor") + (name == "Ctrl-X Ctrl-E" and state in _EDITS)
            typed = f"kept{number}"
            try:
                if state.startswith("vi"):
                    screen.send("\x1b")
                    screen.wait_for("NORMAL ·")
                    screen.send("i")
                screen.send(typed)
                screen.wait_for(typed)
                pressing.back(edits)
            except TimeoutError as error:
                raise AssertionError(f"{name} in the state {state}: {error}") from error
        say(screen, "last", "You said: last")
    finally:
        screen.close()
    assert not [request.last_text for request in asked(server) if "kept" in request.last_text]


def test_the_table_of_keys_is_whole() -> None:
    """The table names the keys that this test knows how to press, among them those that people rely on."""
    assert {"Enter", "Ctrl-J", "Esc", "Ctrl-C", "Tab", "Ctrl-W", "Alt-Backspace", "Ctrl-D"} <= DOCUMENTED.keys()
    assert DOCUMENTED["Ctrl-X Ctrl-E"] == "\x18\x05"
    assert DOCUMENTED["Alt-Left"] == "\x1b[1;3D"
    assert DOCUMENTED["Alt-Backspace"] == "\x1b\x7f"
