"""Runs in a child process: lists the functions of a person's file as tools, or calls one. Standard library only.

`python python_child.py FILE REQUEST ANSWER`: REQUEST is a JSON file, `{}` to list or `{"name", "arguments"}` to
call; ANSWER is written as JSON: `{"tools": [...]}`, `{"text": ...}` or `{"error": ...}`.
"""

from __future__ import annotations

import asyncio
import collections.abc
import dataclasses
import enum
import importlib.util
import inspect
import json
import re
import sys
import traceback
import types
import typing
from pathlib import Path
from typing import Any

_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
_LISTS = (list, tuple, set, frozenset, collections.abc.Sequence, collections.abc.Iterable)
_TABLES = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
_DEPTH = 6
_SECTION = re.compile(r"(?m)^[ \t]*(?:Args|Arguments|Parameters|Params)[ \t]*:?[ \t]*$")
_NEXT = re.compile(
    r"(?m)^[ \t]*(?:Returns?|Yields?|Raises|Notes?|Examples?|See Also|Warns|Attributes|References)[ \t]*:?[ \t]*$"
)


def main(file: str, request: str, answer: str) -> None:
    """Do what `request` says. Whatever goes wrong is the answer."""
    try:
        wanted = json.loads(Path(request).read_text(encoding="utf-8"))
        functions = _functions(file)
        if "name" in wanted:
            said: dict[str, Any] = {"text": _called(functions, wanted["name"], wanted["arguments"])}
        else:
            said = {"tools": [_tool(name, function) for name, function in functions.items()]}
    except BaseException as error:  # also SystemExit: a file that is a program
        said = {"error": _told(error, file)}
    Path(answer).write_text(json.dumps(said), encoding="utf-8")


def _functions(file: str) -> dict[str, Any]:
    """The public functions that the file itself defines, in its order, or those of its `__all__`."""
    sys.path.insert(0, str(Path(file).parent))
    spec = importlib.util.spec_from_file_location(Path(file).stem, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    listed = getattr(module, "__all__", None)
    return {
        name: value
        for name, value in vars(module).items()
        if inspect.isfunction(value)
        and (name in listed if listed is not None else not name.startswith("_") and value.__module__ == spec.name)
    }


def _called(functions: dict[str, Any], name: str, arguments: dict[str, Any]) -> str:
    """The result of a call as text."""
    if name not in functions:
        raise NameError(f"there is no function {name}")
    function = functions[name]
    hints = _hints(function)
    signature = inspect.signature(function)
    given = {
        key: _as_annotated(hints.get(key), value)
        for key, value in arguments.items()
        if key in signature.parameters
    }
    if unknown := [key for key in arguments if key not in signature.parameters]:
        raise TypeError(f"{name} has no argument {unknown[0]}")
    positional = [
        given.pop(key)
        for key, one in signature.parameters.items()
        if one.kind is one.POSITIONAL_ONLY and key in given
    ]
    result = function(*positional, **given)
    if inspect.isawaitable(result):
        result = asyncio.run(_awaited(result))
    if result is None or isinstance(result, str):
        return result or ""
    if dataclasses.is_dataclass(result) and not isinstance(result, type):
        result = dataclasses.asdict(result)
    return json.dumps(result, ensure_ascii=False, default=_other)


async def _awaited(result: Any) -> Any:
    return await result


def _other(value: Any) -> Any:
    """What JSON lacks."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, set | frozenset | collections.abc.Iterator):
        return list(value)
    return (
        dataclasses.asdict(value)
        if dataclasses.is_dataclass(value) and not isinstance(value, type)
        else str(value)
    )


def _as_annotated(hint: Any, value: Any) -> Any:
    """An enum's value as its member, a list as a set or tuple, an integer as a float; anything else as it is."""
    for one in (hint, *typing.get_args(hint)):
        origin = typing.get_origin(one) or one
        if isinstance(one, type) and issubclass(one, enum.Enum):
            try:
                return one(value)
            except ValueError:
                choices = ", ".join(str(member.value) for member in one)
                raise ValueError(f"{value} is not one of {choices}") from None
        if origin in (set, frozenset, tuple) and isinstance(value, list):
            return origin(value)
    return float(value) if hint is float and type(value) is int else value


def _tool(name: str, function: Any) -> dict[str, Any]:
    """A function as a tool: its schema from signature, annotations and docstring."""
    text, described = _docstring(inspect.getdoc(function) or "")
    hints = _hints(function)
    properties: dict[str, Any] = {}
    required = []
    for key, one in inspect.signature(function).parameters.items():
        if one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD):
            continue
        schema = _schema(hints.get(key), _DEPTH)
        if key in described and "description" not in schema:
            schema["description"] = described[key]
        if one.default is one.empty:
            required.append(key)
        elif isinstance(one.default, str | int | float | bool) and not isinstance(one.default, enum.Enum):
            schema["default"] = one.default
        properties[key] = schema
    parameters = {"type": "object", "properties": properties, "required": required}
    return {"name": name, "description": text, "parameters": parameters}


def _hints(function: Any) -> dict[str, Any]:
    """The annotations, as far as they can be read."""
    try:
        return typing.get_type_hints(function, include_extras=True)
    except Exception:
        return {
            key: value
            for key, value in getattr(function, "__annotations__", {}).items()
            if isinstance(value, type)
        }


def _schema(hint: Any, depth: int) -> dict[str, Any]:
    """The JSON Schema of an annotation; an empty one, which takes anything, for what has none."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if depth < 0 or hint in (None, Any, inspect.Parameter.empty):
        return {}
    if origin is typing.Annotated:
        schema = _schema(arguments[0], depth)
        texts = [one if isinstance(one, str) else getattr(one, "description", None) for one in arguments[1:]]
        if said := next((one for one in texts if isinstance(one, str)), ""):
            schema["description"] = said
        return schema
    if hint in _PLAIN:
        return {"type": _PLAIN[hint]}
    if origin is typing.Literal:
        kinds = {_PLAIN.get(type(one)) for one in arguments}
        return {"enum": list(arguments)} | ({"type": kinds.pop()} if len(kinds) == 1 else {})
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        values = [member.value for member in hint]
        kinds = {_PLAIN.get(type(one)) for one in values}
        return {"enum": values} | ({"type": kinds.pop()} if len(kinds) == 1 and None not in kinds else {})
    if origin in (typing.Union, types.UnionType):
        members = [_schema(one, depth - 1) for one in arguments if one is not type(None)]
        return members[0] if len(members) == 1 else {"anyOf": members}
    if hint in _LISTS or origin in _LISTS:
        inner = [one for one in arguments if one is not ...]
        return {"type": "array", "items": _schema(inner[0], depth - 1) if inner else {}}
    if typing.is_typeddict(hint) or dataclasses.is_dataclass(hint):
        fields = typing.get_type_hints(hint, include_extras=True)
        needed = getattr(hint, "__required_keys__", None)
        return {
            "type": "object",
            "properties": {key: _schema(one, depth - 1) for key, one in fields.items()},
            "required": [key for key in fields if needed is None or key in needed],
        }
    if hint in _TABLES or origin in _TABLES:
        more = {"additionalProperties": _schema(arguments[1], depth - 1)} if len(arguments) == 2 else {}
        return {"type": "object", **more}
    return {}


def _docstring(text: str) -> tuple[str, dict[str, str]]:
    """What a docstring says of the function, and of each parameter: in Google's, NumPy's or Sphinx' style."""
    sphinx = re.findall(
        r"(?m)^[ \t]*:param(?:eter)?[ \t]+(?:[\w\[\]., |]+[ \t]+)?(\w+)[ \t]*:[ \t]*(.*(?:\n[ \t]+[^:\s].*)*)",
        text,
    )
    if sphinx:
        head = re.split(r"(?m)^[ \t]*:\w+", text, maxsplit=1)[0]
        return head.strip(), {name: " ".join(said.split()) for name, said in sphinx}
    found = _SECTION.search(text)
    if found is None:
        begins = _NEXT.search(text)
        return (text[: begins.start()] if begins else text).strip(), {}
    section = text[found.end() :]
    if end := _NEXT.search(section):
        section = section[: end.start()]
    section = re.sub(r"(?m)^[ \t]*-{3,}[ \t]*$", "", section)
    lines = [line for line in section.splitlines() if line.strip()]
    least = min((len(line) - len(line.lstrip()) for line in lines), default=0)
    described: dict[str, str] = {}
    name = ""
    for line in lines:
        one = re.match(r"\s*\*{0,2}(\w+)[ \t]*(?:\([^)]*\))?[ \t]*(?::(.*))?$", line)
        if one and len(line) - len(line.lstrip()) == least:
            name = one[1]
            numpy = bool(re.search(r"(?m)^[ \t]*-{3,}[ \t]*$", text))
            described[name] = "" if numpy else (one[2] or "").strip()
        elif name:
            described[name] = f"{described[name]} {line.strip()}".strip()
    return text[: found.start()].strip(), described


def _told(error: BaseException, file: str) -> str:
    """An error in a line, with the line of the person's file where it happened."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    last = traceback.format_exception_only(error)[-1].strip()
    return f"{last} ({Path(file).name}, line {frames[-1].lineno})" if frames else last


if __name__ == "__main__":
    main(*sys.argv[1:])
