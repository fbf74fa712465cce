"""What contributors and publishers go by: the guide, CI, the addresses, the public names."""

from __future__ import annotations

import inspect
import re
import tomllib
from pathlib import Path

import pytest

import gptchat
from gptchat.commands.registry import Registry
from tests.test_floors import FLOORS

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_every_path_the_guide_names_exists() -> None:
    """Files and folders that the guide for contributors names are there, from the root or within the package."""
    named = set(re.findall(r"(?<![\w/:.-])\.?\w[\w.-]*/[\w./-]*|\b[\w.]+\.(?:py|toml|md)\b", GUIDE))
    named |= set(re.findall(r"\]\((?!https?:)([^)]+)\)", GUIDE))
    assert "gptchat/commands/effects.py" in named
    places = [ROOT, ROOT / "gptchat", ROOT / ".github"]
    made = {name for name in named if name.startswith(".venv/")}
    assert [name for name in named - made if not any((place / name).exists() for place in places)] == []


def test_what_the_guide_finds_in_a_file_is_there() -> None:
    """Where the guide names a class, function or table and its file, the file defines it."""
    named = set(re.findall(r"`(\w+)`(?: \w+)?\s\(`(gptchat/[\w/]+\.py)`", GUIDE))
    assert {name for name, _file in named} >= {"Services", "Program", "_MODULES", "Kind", "ABILITIES", "Provider"}
    lacking = []
    for name, file in named:
        text = (ROOT / file).read_text(encoding="utf-8")
        if not re.search(rf"^(class |def )?{name}\b", text, re.MULTILINE):
            lacking.append(f"{name} in {file}")
    assert lacking == []


def test_a_command_that_is_not_listed_is_named() -> None:
    """Whoever declares a command and forgets to list it is told both lists, the declared and the listed."""
    listed = Registry(modules={"gptchat.commands.search": "search"})
    with pytest.raises(ValueError, match=r"commands\.search declares \['search', .*\].* with \['search'\]"):
        listed.get("search")


def test_the_map_is_the_house() -> None:
    """The guide's map has every package, each in the row of its floor, from the lowest up."""
    table = GUIDE.split("| --- | --- | --- |\n")[1].split("\n\n")[0]
    rows = [set(re.findall(r"`(\w+)(?:/|\.py)`", row.split("|")[1])) for row in table.splitlines()]
    assert rows == [floor - {"__main__"} for floor in FLOORS]


def test_ci_runs_on_every_python_that_is_promised() -> None:
    """CI calls `.ci/run` on the Pythons of the classifiers, of which the oldest is the one required."""
    promised = [word for one in PROJECT["classifiers"] for word in re.findall(r"Python :: (3\.\d+)$", one)]
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    matrix = re.search(r"python: \[(.*)\]", workflow)
    assert matrix is not None
    assert re.findall(r'"([\d.]+)"', matrix[1]) == promised
    assert "run: .ci/run\n" in workflow
    assert PROJECT["requires-python"] == f">={promised[0]}"


def owners(text: str) -> set[str]:
    """The owners of the repository that the addresses in `text` name."""
    return set(re.findall(r"https://(?:raw\.githubusercontent|github)\.com/([^/\s]+)/gptchat", text))


def test_any_owner_is_recognised() -> None:
    """An owner's name may have hyphens, as names on GitHub do."""
    assert owners("https://github.com/my-org-2/gptchat and https://github.com/other/gptchat") == {
        "my-org-2",
        "other",
    }


def test_one_address_is_told_everywhere() -> None:
    """Whoever publishes the project changes its address in every place, or a test names the one left over."""
    files = ("pyproject.toml", "README.md", ".github/CONTRIBUTING.md", ".github/CHANGELOG.md")
    text = "".join((ROOT / name).read_text(encoding="utf-8") for name in files)
    assert [f"https://github.com/{owner}/gptchat" for owner in owners(text)] == [PROJECT["urls"]["Repository"]]


def test_the_public_names_are_there_with_their_types() -> None:
    """What `gptchat` exports can be imported, says what it is, and every public method of it has its types."""
    for name in gptchat.__all__:
        value = getattr(gptchat, name)
        if not inspect.isclass(value):
            assert isinstance(value, str), name
            continue
        assert value.__doc__, name
        for method, function in inspect.getmembers(value, inspect.isfunction):
            if function.__module__.startswith("gptchat.") and not method.startswith("_"):
                untyped = set(inspect.signature(function).parameters) - {"self"} - set(function.__annotations__)
                assert not untyped, f"{name}.{method}"
                assert "return" in function.__annotations__, f"{name}.{method}"
                assert function.__doc__, f"{name}.{method}"
