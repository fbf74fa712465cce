"""Vectors from a real server: llama.cpp, started for embeddings."""

from __future__ import annotations

from pathlib import Path

from tests.storage.helpers import turn
from tests.support.llamacpp import llama_server
from tests.support.program import compose_program, data, effects, running, settings_for, shown


def test_a_local_server_finds_by_meaning(tmp_path: Path) -> None:
    """With llama.cpp's `--embeddings`, what was said is found again by its meaning."""
    with llama_server(tmp_path, options=("--embeddings", "--pooling", "mean")) as server:
        config = settings_for(server.url, model=f'"{server.model}"')
        config += f'[search]\nembeddings = "test:{server.model}"\n'
        program = compose_program(tmp_path, config, environ={"TEST_KEY": server.key}, attended=False)
        with running(program) as runner:
            for text in ("Tell me of event loops.", "鸡蛋 怎么 煮", "long " * 3000):
                turn(program.services.journals, program.services.journals.create("ann", {}), text, "Gladly.")
            assert "every passage" in shown(runner.run(effects(program, "/search --fill")))
            found = data(runner.run(effects(program, "/search --meaning Tell me of event loops.", None)))
            (tmp_path / "lines.txt").write_text("one\ntwo\n")
            vectors = data(runner.run(effects(program, f"/embed {tmp_path}/lines.txt")))
    assert found[0]["line"] == "Tell me of event loops."
    assert found[0]["similarity"] > 0.99
    assert [one["line"] for one in vectors] == [1, 2]
