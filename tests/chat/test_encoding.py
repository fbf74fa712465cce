"""The chat on a terminal in another encoding than UTF-8."""

from __future__ import annotations

import pytest

from tests.chat.home import Home
from tests.support.server import Server


@pytest.mark.parametrize("environ", [{"LC_ALL": "zh_CN.GBK"}, {"LC_ALL": "", "LANG": "zh_CN.GB18030"}])
def test_a_chat_in_chinese_legacy_encodings(home: Home, server: Server, environ: dict[str, str]) -> None:
    """What is typed in the locale's encoding is understood, and nothing on the screen is in another one."""
    home.connect(server.url)
    codec = next(value for value in environ.values() if value).partition(".")[2]
    with home.chat(environment=environ, ready="alice >") as screen:
        screen.send("你好，世界 • 好\r".encode(codec, "ignore"))
        screen.wait_for(lambda: b"You said:" in screen.raw and b"token" in screen.raw)
        screen.send("/context\r")
        screen.wait_for(lambda: b"8,192" in screen.raw)
        screen.send("/status\r")
        screen.wait_for(lambda: "提供方".encode(codec) in screen.raw or "服务商".encode(codec) in screen.raw)
        screen.send("\x04")
        assert screen.wait_for_exit() == 0
        shown = bytes(screen.raw).decode(codec)
    assert "你好，世界" in shown.partition("You said:")[2]  # both may come apart
    assert not set("█░▒─╶›≈⠋") & set(shown)
    assert home.messages()[0][1].startswith("你好，世界")


def test_a_chat_in_latin_1(home: Home, server: Server) -> None:
    """Letters of the locale pass both ways; what it lacks is shown as something of the same width."""
    home.connect(server.url)
    with home.chat(environment={"LC_ALL": "de_DE.ISO-8859-1"}, ready="alice >") as screen:
        screen.send("Größe\r".encode("latin-1"))
        screen.wait_for(lambda: "Größe".encode("latin-1") in bytes(screen.raw).partition(b"You said:")[2])
        screen.wait_for(lambda: screen.lines[screen.cursor[0]] == "alice >")
        screen.send("\x04")
        assert screen.wait_for_exit() == 0
    assert home.messages()[0][1] == "Größe"


def test_a_dumb_terminal_reads_its_encoding(home: Home, server: Server) -> None:
    """Without cursor movement the line that is typed is in the locale's encoding, too."""
    home.connect(server.url)
    with home.chat(environment={"LC_ALL": "zh_CN.GBK", "TERM": "dumb"}, ready="alice >") as screen:
        screen.send("你好\r".encode("gbk"))
        screen.wait_for(lambda: "你好".encode("gbk") in bytes(screen.raw).partition(b"You said:")[2])
        screen.send("/exit\r")
        assert screen.wait_for_exit() == 0
    assert home.messages()[0][1] == "你好"
