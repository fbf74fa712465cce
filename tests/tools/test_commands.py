"""Commands as tools: arguments stay arguments, whatever they hold."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptchat.config.sources import ToolSource
from gptchat.core.tooling import ToolResult
from gptchat.tools.commands import CommandTool
from tests.tools.boxes import call, called, open_box, run

HOSTILE = [
    "; touch pwned",
    "$(touch pwned)",
    "`touch pwned`",
    "| touch pwned",
    "&& touch pwned",
    "'; touch pwned; '",
]
HOSTILE += [
    '"; touch pwned; "',
    "\n touch pwned",
    "$HOME",
    "*",
    "~",
    "\\",
    "a b",
    "",
    "{text}",
    "${1}",
    "%s",
    "é天",
]
TEMPLATES = ["printf %s {text}", 'printf %s "{text}"', "printf %s '{text}'"]


def _tool(command: str, **more: object) -> CommandTool:
    return CommandTool(ToolSource("try", command=command, **more))  # type: ignore[arg-type] # fields by name


def _said(tool: CommandTool, **arguments: object) -> ToolResult:
    return asyncio.run(call(tool, **arguments))


@pytest.mark.parametrize("shell", [False, True])
@pytest.mark.parametrize("template", TEMPLATES)
def test_no_argument_is_read_as_code(
    template: str, shell: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever an argument holds arrives as one word, with a shell and without, in any quotation marks."""
    monkeypatch.chdir(tmp_path)
    tool = _tool(template, shell=shell)
    for text in HOSTILE:
        result = _said(tool, text=text)
        assert (result.failed, result.text.strip("\n")) == (False, text.strip("\n") or "(no output)"), text
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=int(os.environ.get("GPTCHAT_TEST_ARGUMENTS", "15")), deadline=None)
@given(
    text=st.text(st.characters(codec="utf-8", exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=30)
)
def test_any_text_arrives_as_it_is(text: str) -> None:
    """A shell gets any text unchanged: its bytes are what was given."""
    tool = _tool("printf %s {text} | od -An -tx1 | tr -d ' \\n'", shell=True)
    if not text.startswith("-"):
        assert _said(tool, text=text).text.removeprefix("(no output)") == text.encode().hex()


def test_options_are_not_smuggled_in() -> None:
    """A value that begins with “-” is refused where it could be an option, and passes behind `--`."""
    assert _said(_tool("ls {path}"), path="--help").failed
    assert _said(_tool("ls '{path}'", shell=True), path="-la").failed
    result = _said(_tool("grep -c -- {text} /etc/passwd"), text="-zzz")
    assert result.text.startswith("0")
    assert not _said(_tool("echo a={text}"), text="-x").failed
    assert _said(_tool("echo {n:int}"), n=-5).text == "-5"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({}, "n is missing"),
        ({"n": "many"}, "of type integer"),
        ({"n": 1, "other": 2}, "no argument other"),
        ({"n": 1, "flag": "maybe"}, "of type boolean"),
        ({"n": 1, "text": "a\0b"}, "no command takes"),
    ],
)
def test_wrong_arguments_are_told(arguments: dict[str, object], why: str) -> None:
    """The model is told what is wrong with its arguments, and nothing runs."""
    result = _said(_tool("echo {n:int} {flag?:bool} {text?}"), **arguments)
    assert result.failed
    assert why in result.text


def test_the_schema_is_in_the_line(tmp_path: Path) -> None:
    """Placeholders are the arguments, with their types; `?` makes one optional, and its word is left out."""
    tool = _tool("echo {n:int} {{x}} {text?} end", description="Says it")
    assert tool.spec.parameters["properties"] == {"n": {"type": "integer"}, "text": {"type": "string"}}
    assert (tool.spec.parameters["required"], tool.spec.effect, tool.spec.permission) == (["n"], "runs", "ask")
    assert _said(tool, n=3).text == "3 {x} end"


def test_results_are_bounded_and_clean(tmp_path: Path) -> None:
    """Exit status, time-out, a missing program, colours and floods are told in a short and harmless text."""
    folder = f'cwd = "{tmp_path}"\n'
    failed = called(f"[tools.a]\ncommand = \"sh -c 'echo no; exit 3'\"\n{folder}", tmp_path, "a/a", {})
    assert (failed.failed, failed.text) == (True, "no\n[exit status 3]")
    late = called('[tools.a]\ncommand = "sleep 60"\ntimeout = 0.3', tmp_path, "a/a", {})
    assert late.failed
    assert "stopped" in late.text
    assert called('[tools.a]\ncommand = "/does/not/exist"', tmp_path, "a/a", {}).failed
    colours = _said(_tool("printf '\\033[31mred\\033[0m\\033]0;title\\007 \\302\\233x'", shell=True))
    assert colours.text.startswith("red")
    assert "\x1b" not in colours.text
    assert "\x9b" not in colours.text
    flood = _said(_tool("head -c 100000000 /dev/zero", shell=True))
    assert len(flood.text) < 300_000


def test_cancelling_kills_the_whole_group(tmp_path: Path) -> None:
    """A cancelled call leaves no process behind, also none that the command started."""

    async def work() -> None:
        line = '[tools.a]\nshell = true\ncommand = "echo $$ > pid; (sleep 77; true) & sleep 77"\n'
        async with open_box(f'{line}cwd = "{tmp_path}"', tmp_path) as (_box, tools):
            task = asyncio.create_task(call(tools["a/a"]))
            pid = tmp_path / "pid"
            while not (pid.exists() and pid.read_text().strip()):
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            group, limit = int(pid.read_text()), time.monotonic() + 5
            while time.monotonic() < limit:
                try:
                    os.killpg(group, 0)
                except ProcessLookupError:
                    return
                await asyncio.sleep(0.02)
            pytest.fail("the group still runs")

    run(work)


def test_only_listed_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command's environment is a list; `$NAME` takes one more, and a missing one is told."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-of-mine")
    monkeypatch.setenv("WORK_TOKEN", "token-of-mine")
    result = called('[tools.a]\ncommand = "env"\nenv = {TOKEN = "$WORK_TOKEN"}', tmp_path, "a/a", {})
    assert "TOKEN=token-of-mine" in result.text
    assert "OPENAI" not in result.text
    missing = called('[tools.a]\ncommand = "env"\nenv = {TOKEN = "$NOT_THERE"}', tmp_path, "a/a", {})
    assert missing.failed
    assert "NOT_THERE" in missing.text
