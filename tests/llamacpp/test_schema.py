"""Answers of a given shape from a real engine, whose model knows nothing: what comes fits, or was cut off."""

from __future__ import annotations

from pathlib import Path

import pytest

from gptchat import Chat
from gptchat.errors import MisfitError
from tests.support.llamacpp import LlamaServer
from tests.support.program import settings_for

_TRIES = 6


def test_an_answer_fits_or_was_cut_off(
    llamacpp: LlamaServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine writes nothing but what the schema allows, so that even a random model's answer fits."""
    monkeypatch.setenv("TEST_KEY", llamacpp.key)
    monkeypatch.setenv("NO_PROXY", "*")
    (tmp_path / "config.toml").write_text(
        settings_for(llamacpp.url, model=f'"{llamacpp.model}"'), encoding="utf-8"
    )
    schema = "state open|closed, sure bool, n 1|2|3"
    told = []
    for seed in range(_TRIES):
        settings = {"seed": seed, "max_tokens": 400, "temperature": 0.7}
        with Chat(user="ann", config=tmp_path / "config.toml", data_dir=tmp_path / "d", settings=settings) as chat:
            try:
                data = chat.send("How is it?", schema=schema).data
            except MisfitError as error:
                told.append(error.message)
                continue
            assert data["state"] in ("open", "closed")
            assert isinstance(data["sure"], bool)
            assert data["n"] in (1, 2, 3)
            break
    assert all("cut off" in message for message in told)
    assert len(told) < _TRIES
