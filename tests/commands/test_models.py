"""The model family: providers, keys, models and settings."""

from __future__ import annotations

from pathlib import Path

from tests.support.server import Server
from tests.support.workspace import command, compose_workspace, running, settings_for


def test_models_are_listed(tmp_path: Path, server: Server) -> None:
    """/models lists what the server has."""
    workspace = compose_workspace(tmp_path, settings_for(server.url))
    with running(workspace) as loop:
        assert "test-model" in loop.run(command(workspace, "/models"))
