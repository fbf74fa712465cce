"""The child program that lists and calls the functions of a person's file, run in this process."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from gptchat.tools import python_child

TYPES = '''
import dataclasses, enum, typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Optional, TypedDict, Union

class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"

class Point(TypedDict):
    x: int
    y: int

@dataclasses.dataclass
class Box:
    name: str
    sides: list[int]

def everything(
    text: str, number: int, share: float, sure: bool, colour: Colour, point: Point, box: Box, path: Path,
    names: list[str], table: dict[str, int], maybe: Optional[int] = None, either: Union[int, str] = 1,
    kind: Literal["a", "b"] = "a", rest: Sequence[int] = (), untyped=None, *, only: Any = 3,
) -> str:
    """All kinds of arguments.

    :param text: a text
    :param number: a number
    """
    return f"{text} {number} {colour} {point} {box} {path} {names} {table} {maybe} {either} {kind} {rest} {only}"

def numpy_style(first: int, second: str = "x") -> list:
    """Documented otherwise.

    Parameters
    ----------
    first : int
        The first one.
    second : str
        The second one.

    Returns
    -------
    list
    """
    return [first, second]

def nothing() -> None:
    """Returns nothing."""

def positional(a: int, /, b: int, *more: int, **named: int) -> int:
    """Takes anything."""
    return a + b
'''


def test_every_annotation_becomes_a_schema(tmp_path: Path) -> None:
    """Whatever a function's arguments are annotated with, the model is told their types, and may give them."""
    file, request, answer = (tmp_path / name for name in ("kinds_of_arguments.py", "request", "answer"))
    file.write_text(TYPES, encoding="utf-8")

    def asked(value: object) -> Any:
        request.write_text(json.dumps(value), encoding="utf-8")
        path = list(sys.path)
        try:
            python_child.main(str(file), str(request), str(answer))
        finally:
            sys.path[:] = path
            sys.modules.pop("kinds_of_arguments", None)
        return json.loads(answer.read_text(encoding="utf-8"))

    listed = {tool["name"]: tool for tool in asked({})["tools"]}
    assert list(listed) == ["everything", "numpy_style", "nothing", "positional"]
    schema = listed["everything"]["parameters"]
    kinds = {name: one.get("type") for name, one in schema["properties"].items()}
    assert [kinds[name] for name in ("text", "number", "share", "sure", "names", "table")] == [
        *("string", "integer", "number", "boolean", "array", "object"),
    ]
    assert schema["properties"]["colour"]["enum"] == ["red", "blue"]
    assert schema["properties"]["text"]["description"] == "a text"
    assert "maybe" not in schema["required"]
    assert listed["numpy_style"]["parameters"]["properties"]["first"]["description"] == "The first one."
    given = {
        "text": "t", "number": 1, "share": 0.5, "sure": True, "colour": "blue", "point": {"x": 1, "y": 2},
        "box": {"name": "b", "sides": [1, 2]}, "path": "p", "names": ["n"], "table": {"k": 1},
    }  # fmt: skip
    said = asked({"name": "everything", "arguments": given})
    assert "Colour.BLUE" in said["text"]
    assert asked({"name": "numpy_style", "arguments": {"first": 1}})["text"] == '[1, "x"]'
    assert "text" in asked({"name": "nothing", "arguments": {}})
    assert "no argument" in asked({"name": "nothing", "arguments": {"x": 1}})["error"]
    assert "there is no function" in asked({"name": "gone", "arguments": {}})["error"]
