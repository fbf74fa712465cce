"""What every reader yields: a chat of another program as nodes, each with its parent; and helpers to read JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from gptchat.values import dataclass, field


@dataclass(slots=True)
class ForeignNode:
    """A message of another program, or what stands between two messages.

    A node with a role other than user, assistant, system and tool, or with `hidden`, is passed through: its
    children belong to the nearest message above. `left` names what is left out with it, by kind.
    """

    id: str
    parent: str | None = None
    role: str = ""
    text: str = ""
    reasoning: str = ""
    model: str = ""
    time: object = None
    """In any form that `times.moment` reads."""
    files: list[str] = field(default_factory=list)
    """Names of attached files."""
    images: list[str] = field(default_factory=list)
    """Attached images as data URLs."""
    sources: list[tuple[str, str]] = field(default_factory=list)
    """Address and title of each cited page."""
    finish: str = "stop"
    """`stop`, `length`, `error`, or `interrupted`."""
    hidden: bool = False
    apart: bool = False
    """Whether it is an answer of its own, even behind another answer."""
    left: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)
    """Further fields of the record, such as `tool_calls`."""


@dataclass(slots=True)
class ForeignChat:
    """A chat of another program. `id` is empty if the program gives none; then its beginning identifies it."""

    program: str
    id: str = ""
    title: str = ""
    created: object = None
    model: str = ""
    system: str = ""
    nodes: list[ForeignNode] = field(default_factory=list)
    current: str | None = None
    """Id of the node that the program showed last; None if unknown: the newest leaf."""
    order: dict[str, list[str]] = field(default_factory=dict)
    """Order of the children of a node, where the program gives it."""
    left: Counter[str] = field(default_factory=Counter)
    """Number of things left out, by kind (`session_builder.LEFT`)."""
    problems: list[str] = field(default_factory=list)
    """A sentence for each part that could not be read."""
    earlier: str = ""
    """The source under which an older version of this program imported the same chat."""
    exact: bool = False
    """Whether consecutive answers stay apart and tool rounds come in, as in a list of messages."""

    def add(self, node: ForeignNode) -> ForeignNode:
        """Append `node`; returns it."""
        self.nodes.append(node)
        return node

    def follow(self, node: ForeignNode) -> ForeignNode:
        """Append `node` behind the last node, with a number for an id if it has none."""
        node.parent = self.nodes[-1].id if self.nodes else None
        node.id = node.id or f"#{len(self.nodes)}"
        return self.add(node)


def text(value: object) -> str:
    """`value` if it is text, else the empty string."""
    return value if isinstance(value, str) else ""


def name(value: object) -> str:
    """An id as text: a string, or the digits of a whole number."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**30:
        return str(value)
    return value if isinstance(value, str) else ""


def items(value: object) -> list[Any]:
    """`value` if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def dicts(value: object) -> list[dict[str, Any]]:
    """The objects in the list `value`."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def fields(value: object) -> dict[str, Any]:
    """`value` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def first(source: Mapping[str, Any], *keys: str) -> str:
    """The first of the fields `keys` that is a text and not empty."""
    return next((value for key in keys if isinstance(value := source.get(key), str) and value), "")


def parsed(value: object) -> Any:
    """The JSON in the text `value`; `value` itself if it is none."""
    import json

    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def spoken(content: object, node: ForeignNode) -> None:
    """Add the text, reasoning, images and files of `content` to `node`: a text, or a list of parts.

    Knows the parts of the chat API, the Responses API, Anthropic, and what programs made of them.
    """
    pieces = [node.text] if node.text else []
    thoughts = [node.reasoning] if node.reasoning else []
    for part in [content] if isinstance(content, str | dict) else items(content):
        if isinstance(part, str):
            pieces.append(part)
            continue
        if not isinstance(part, dict):
            continue
        kind = text(part.get("type"))
        words = part.get("text")
        if isinstance(words, dict):
            words = words.get("value")
        if kind in ("thinking", "think", "reasoning") or part.get("thought") is True:
            thoughts.append(first(part, "thinking", "think") or text(words) or text(part.get("content")))
        elif kind in ("tool_use", "tool-call", "tool_call", "function_call", "server_tool_use"):
            node.left += ("call",)
        elif kind in ("tool_result", "tool-result", "function_call_output", "web_search_tool_result"):
            node.left += ("result",)
        elif "functionCall" in part or "functionResponse" in part:
            node.left += ("call",) if "functionCall" in part else ("result",)
        elif kind in ("image", "image_url", "input_image", "image_file") or "inlineData" in part:
            _image(part, node)
        elif kind in ("file", "document", "input_file", "input_audio", "audio", "video") or "fileData" in part:
            node.files.append(_file_name(part) or kind or "file")
        elif isinstance(words, str):
            pieces.append(words)
        elif isinstance(part.get("content"), str) and kind in ("text", "markdown", ""):
            pieces.append(part["content"])
    node.text = "\n\n".join(piece for piece in pieces if piece.strip())
    node.reasoning = "\n\n".join(thought for thought in thoughts if thought.strip())


def _image(part: Mapping[str, Any], node: ForeignNode) -> None:
    url = part.get("image_url", part.get("image", part.get("url")))
    url = text(fields(url).get("url")) or text(fields(url).get("data")) or text(url)
    source = fields(part.get("source")) or fields(part.get("inlineData"))
    if data := text(source.get("data")):
        mime = first(source, "media_type", "mimeType") or "image/png"
        url = f"data:{mime};base64,{data}"
    url = url or text(source.get("url"))
    if url.startswith("data:"):
        node.images.append(url)
        if named := _file_name(part):
            node.files.append(named)
    else:
        node.files.append(_file_name(part) or base(url) or "image")


def _file_name(part: Mapping[str, Any]) -> str:
    inner = fields(part.get("file")) or fields(part.get("image_file")) or fields(part.get("fileData"))
    keys = ("filename", "file_name", "name", "title", "fileName")
    return first(part, *keys) or first(inner, *keys, "file_id", "fileUri")


def base(path: str) -> str:
    """The last part of a path or an address."""
    return (
        ""
        if path.startswith("data:")
        else path.replace("\\", "/").partition("?")[0].rstrip("/").rpartition("/")[2]
    )


def thinking_cut(words: str) -> tuple[str, str]:
    """The text of an answer and its reasoning, of an answer that begins with `<think>`."""
    import re

    match = re.match(r"\s*<(think|thinking|antThinking)>(.*?)(?:</\1>|\Z)", words, re.DOTALL)
    return (words[match.end() :].lstrip("\n"), match[2].strip()) if match else (words, "")


def files_named(value: object, *keys: str) -> Iterator[str]:
    """The names of the files in the list `value`: texts, or objects with one of `keys`."""
    for one in items(value):
        if isinstance(one, dict):
            named = first(one, *keys, "filename", "file_name", "name")
        else:
            named = base(text(one)) or text(one)[:80]
        if named:
            yield named
