"""Functions of a person's file: their schemas, their results, and what they cannot hurt."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from tests.tools.boxes import by_key, call, open_box, run

FILE = '''
"""Tools for the weather."""
import asyncio, dataclasses, enum, os, sys
from typing import Annotated, Any, Literal, Optional
from os.path import join

class Unit(enum.Enum):
    C = "celsius"
    F = "fahrenheit"

@dataclasses.dataclass
class Place:
    name: str
    days: int = 1

def google(city: str, days: int = 3, unit: Unit = Unit.C) -> str:
    """Tells the weather.

    Over several lines.

    Args:
        city: The city, such as
            Beijing.
        days (int): How many days.

    Returns:
        The weather.
    """
    return f"{city} {days} {unit!r}"

def numpy(values: list[float], kind: Literal["mean", "sum"], scale: Optional[float] = None):
    """Sums up.

    Parameters
    ----------
    values : list of float
        The numbers.
    kind : str
        What is wanted.
    """
    return {"sum": sum(values), "kind": kind, "scale": scale}

async def sphinx(name: Annotated[str, "Who it is"], table: dict[str, int] | None = None, more: Any = None):
    """Greets.

    :param table: Counts by name.
    :returns: a greeting
    """
    await asyncio.sleep(0)
    return {"hello": name, "table": table}

def typed(place: Place, tags: set[str]):
    return [place, sorted(tags), isinstance(tags, set)]

def prints():
    print("printed")

def fails(what: str):
    raise ValueError("no " + what + "\\nsecond line")

def leaves():
    os._exit(7)

def exits():
    sys.exit("bye")

def endless():
    while True:
        pass

def large():
    return "x" * 3_000_000

def environment():
    return sorted(os.environ)

def _hidden():
    pass
'''


@pytest.fixture
def settings(tmp_path: Path) -> str:
    (tmp_path / "weather.py").write_text(FILE, encoding="utf-8")
    return '[tools.weather]\npython = "weather.py"\ntimeout = 20\nenv = {EXTRA = "1"}\n'


def test_signatures_become_schemas(settings: str, tmp_path: Path) -> None:
    """Annotations, defaults and docstrings of three styles say what a function takes."""

    async def work() -> None:
        async with open_box(settings, tmp_path) as (box, tools):
            assert box.troubles() == []
            specs = {tool.spec.name: tool.spec for tool in tools.values()}
            assert list(specs)[:4] == ["google", "numpy", "sphinx", "typed"]
            assert not {"join", "_hidden", "Unit", "Place"} & set(specs)
            google = specs["google"]
            assert google.description == "Tells the weather.\n\nOver several lines."
            assert (google.key, google.source, google.permission) == ("weather/google", "python weather.py", "ask")
            assert google.parameters == {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": "The city, such as Beijing."},
                    "days": {"type": "integer", "description": "How many days.", "default": 3},
                    "unit": {"enum": ["celsius", "fahrenheit"], "type": "string"},
                },
                "required": ["city"],
            }
            assert specs["numpy"].parameters["properties"] == {
                "values": {"type": "array", "items": {"type": "number"}, "description": "The numbers."},
                "kind": {"enum": ["mean", "sum"], "type": "string", "description": "What is wanted."},
                "scale": {"type": "number"},
            }
            assert specs["sphinx"].parameters["properties"] == {
                "name": {"type": "string", "description": "Who it is"},
                "table": {
                    "type": "object",
                    "additionalProperties": {"type": "integer"},
                    "description": "Counts by name.",
                },
                "more": {},
            }
            assert specs["typed"].parameters["properties"]["place"]["required"] == ["name", "days"]

    run(work)


def test_calls_of_all_kinds(settings: str, tmp_path: Path) -> None:
    """Results are texts or JSON, errors one line with its place; a crash hurts the call alone."""

    async def work() -> None:
        async with open_box(settings, tmp_path) as (_box, tools):

            async def said(name: str, /, **arguments: object) -> tuple[str, bool]:
                result = await call(tools[f"weather/{name}"], **arguments)
                return result.text, result.failed

            results = await asyncio.gather(
                said("google", city="Oslo", unit="fahrenheit"),
                said("google", city="Oslo", unit="kelvin"),
                said("google", town="Oslo"),
                said("numpy", values=[1, 2], kind="sum"),
                said("sphinx", name="天"),
                said("prints"),
                said("fails", what="way"),
                said("leaves"),
                said("exits"),
                said("typed", place={"name": "x"}, tags=["b", "a"]),
            )
            assert results[0] == ("Oslo 3 <Unit.F: 'fahrenheit'>", False)
            assert results[1][1]
            assert "not one of celsius, fahrenheit" in results[1][0]
            assert results[2] == ("TypeError: google has no argument town", True)
            assert results[3] == ('{"sum": 3, "kind": "sum", "scale": null}', False)
            assert results[4] == ('{"hello": "天", "table": null}', False)
            assert results[5] == ("printed", False)
            assert results[6][1]
            assert results[6][0].startswith("ValueError: no way")
            assert "weather.py, line" in results[6][0]
            assert results[7][1]
            assert "exit status 7" in results[7][0]
            assert results[8][1]
            assert results[8][0].startswith("SystemExit: bye")
            assert results[9][0] == '[{"name": "x"}, ["a", "b"], true]'

    run(work)


def test_nothing_endless(settings: str, tmp_path: Path) -> None:
    """An endless loop ends with its time, or at once when the call is cancelled; a huge result is cut."""

    async def work() -> None:
        text = settings.replace("timeout = 20", "timeout = 1")
        async with open_box(text, tmp_path) as (_box, tools):
            begun = time.monotonic()
            result = await call(tools["weather/endless"])
            assert result.failed
            assert time.monotonic() - begun < 4
            task = asyncio.create_task(call(tools["weather/endless"]))
            await asyncio.sleep(0.2)
            begun = time.monotonic()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert time.monotonic() - begun < 0.5
        async with open_box(settings, tmp_path) as (_box, tools):
            large = await call(tools["weather/large"])
            assert len(large.text) < 300_000

    run(work)


def test_keys_stay_here(settings: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A function sees the listed variables and those of the settings, and none of ours."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-of-mine")

    async def work() -> None:
        async with open_box(settings, tmp_path) as (_box, tools):
            result = await call(tools["weather/environment"])
            assert "EXTRA" in result.text
            assert "PATH" in result.text
            assert "OPENAI" not in result.text

    run(work)


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    """A broken file is told and leaves the rest; once mended, its functions are there."""
    file = tmp_path / "mine.py"
    file.write_text("def one(:\n", encoding="utf-8")

    async def work() -> None:
        text = '[tools.mine]\npython = "mine.py"\nonly = ["on*"]\n[tools.say]\ncommand = "echo {text}"\n'
        async with open_box(text, tmp_path) as (box, tools):
            assert list(tools) == ["say/say"]
            (trouble,) = box.troubles()
            assert "mine" in trouble
            assert "SyntaxError" in trouble
            file.write_text("def one(): 'First.'\ndef two(): 'Second.'\n", encoding="utf-8")
            assert list(await by_key(box)) == ["mine/one", "say/say"]
            assert box.troubles() == []

    run(work)
