"""Nothing of the tools is loaded where nobody wants one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys, json
{code}
print(json.dumps(sorted(name for name in sys.modules if name.split(".")[0] in
    ("mcp", "mcp_types", "anyio", "yaml", "pydantic") or name.startswith("gptchat.tools"))))
"""


def _loaded(code: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(code=code)], capture_output=True, text=True, check=True
    )
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_a_start_loads_no_tools(tmp_path: Path) -> None:
    """Importing gptchat, reading settings with servers, and building the box load no SDK and no source."""
    assert _loaded("import gptchat, gptchat.cli") == []
    (tmp_path / "config.toml").write_text('[mcp.a]\ncommand = "x"\n[tools.b]\npython = "b.py"\n', encoding="utf-8")
    code = f"""
from pathlib import Path
from gptchat.config.paths import Paths
from gptchat.config.settings import read_settings
folder = Path({str(tmp_path)!r})
settings = read_settings(Paths(folder / "config.toml", folder, folder), {{}})
settings.tools, settings.tool_sources(), settings.mcp_servers()
from gptchat.tools.shelf import ToolShelf
ToolShelf(settings, [], folder)
"""
    assert _loaded(code) == ["gptchat.tools", "gptchat.tools.shelf", "gptchat.tools.text"]


def test_a_chat_without_tools_opens_none(tmp_path: Path) -> None:
    """A composed program whose settings name no tool has none, and loads neither SDK nor source for that."""
    code = f"""
import asyncio
from pathlib import Path
from tests.support.program import compose_program
assert asyncio.run(compose_program(Path({str(tmp_path)!r}), '').services.toolbox.tools()) == []
"""
    ours = {name for name in _loaded(code) if name.startswith("gptchat.tools") or name == "mcp"}
    assert ours == {"gptchat.tools", "gptchat.tools.shelf", "gptchat.tools.text"}
