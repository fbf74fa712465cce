"""Texts that are attached reach a real server's model as part of the message."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from gptchat.core.events import TurnFinished
from gptchat.manager import Send
from tests.support.llamacpp import LlamaServer
from tests.support.program import compose_program, message, running, settings_for, turn
from tests.support.relay import Relay


def test_texts_are_read_by_the_model(llamacpp: LlamaServer, tmp_path: Path) -> None:
    """A Chinese text and a folder of code arrive at llama.cpp, which answers and counts them."""
    (tmp_path / "src").mkdir()
    (tmp_path / "说明.txt").write_text("你好，世界。这是一个小模型。\n", encoding="utf-8")
    (tmp_path / "src" / "a.py").write_text("print(42)\n", encoding="utf-8")
    with Relay(urlsplit(llamacpp.url).port or 0) as relay:
        program = compose_program(
            tmp_path / "home",
            settings_for(relay.url, model=f'"{llamacpp.model}"'),
            "-o",
            "max_tokens=32",
            environ={"TEST_KEY": llamacpp.key},
        )
        with running(program) as runner:
            named = [str(tmp_path / "说明.txt"), str(tmp_path / "src")]
            content, _notes = runner.run(message(program, "read these", named))
            last = runner.run(turn(program, Send(content)))[-1]
        sent = relay.bodies()[-1]["messages"][-1]["content"]
    assert isinstance(last, TurnFinished)
    assert "你好，世界。这是一个小模型。" in sent
    assert "print(42)" in sent
    assert last.message.usage is not None
    assert last.message.usage.prompt_tokens > 40
