"""/doctor before a real server: healthy, with a wrong key, at a dead address and at a wrong path."""

from __future__ import annotations

from pathlib import Path

from tests.support.llamacpp import LlamaServer
from tests.support.program import command, compose_program, running, settings_for


def examined(folder: Path, url: str, key: str, model: str) -> list[str]:
    """The lines of `/doctor`."""
    config = settings_for(url, model=f'"{model}"')
    program = compose_program(folder, config, environ={"TEST_KEY": key})
    with running(program) as loop:
        return loop.run(command(program, "/doctor")).split("\n")


def test_a_healthy_server(llamacpp: LlamaServer, tmp_path: Path) -> None:
    """Before a sound llama.cpp every line is well: models, its true window, a streamed request, usage."""
    lines = examined(tmp_path, llamacpp.url, llamacpp.key, llamacpp.model)
    text = "\n".join(lines)
    assert not [line for line in lines if line.startswith(("✗", "!"))], text
    assert "✓ /models lists 1 model" in lines
    assert "from the server" in text
    assert "✓ a request for 1 token was answered" in text
    assert "✓ usage is told" in text
    assert lines[-1] == "everything that was looked at works"


def test_what_is_wrong_is_named(llamacpp: LlamaServer, tmp_path: Path) -> None:
    """A wrong key, a dead address and a wrong path are each told as what they are, with what to do."""
    wrong = examined(tmp_path / "key", llamacpp.url, "sk-wrong-0123456789", llamacpp.model)
    assert [line for line in wrong if line.startswith("✗ test refused the key (401)")]
    told = "  → it came from the variable TEST_KEY: correct or unset it there; it goes before a key of /key set"
    assert told in wrong
    dead = examined(tmp_path / "dead", "http://127.0.0.1:1/v1", llamacpp.key, llamacpp.model)
    assert "✗ nothing answers at http://127.0.0.1:1/v1" in dead
    root = llamacpp.url.removesuffix("/v1")
    path = examined(tmp_path / "path", f"{root}/no/such", llamacpp.key, llamacpp.model)
    assert f"  → the API seems to be at {llamacpp.url}: write it as base_url" in path
    assert [
        line for line in path if line.startswith(f"✗ test has nothing at {root}/no/such/chat/completions (404)")
    ]
