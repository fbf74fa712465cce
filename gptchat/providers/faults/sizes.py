"""Requests that a server refuses for their size (413): earlier pictures are left out of the next ones."""

from __future__ import annotations

import json
from typing import Any

from gptchat.providers.faults.quirks import Json, Lesson

_PICTURES = {"image_url": "text", "input_image": "input_text"}
"""The kinds of content parts that hold a picture, and that of the text that takes its place."""
_LEFT_OUT = "[an earlier picture, left out as the request would be too large]"


def size_of(body: Json) -> int:
    """The size of a request's body in bytes."""
    return len(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode())


def size_lesson(body: Json) -> Lesson:
    """What a refusal of `body` for its size teaches."""
    return Lesson("size", "body", str(size_of(body)))


def within(body: Json, lessons: tuple[Lesson, ...]) -> tuple[Json, int]:
    """`body` below the size that was refused, and how many pictures were left out for that.

    The oldest pictures go first. Those of the newest message stay: without them its question means nothing.
    """
    limit = next((int(one.value) for one in lessons if one.what == "size" and one.value.isdigit()), 0)
    key = "messages" if "messages" in body else "input"
    messages = body.get(key)
    if not limit or not isinstance(messages, list):
        return body, 0
    excess, dropped = size_of(body) - limit, 0
    newest = len(messages) - 1
    changed: list[Any] = []
    for place, message in enumerate(messages):
        parts = message.get("content") if isinstance(message, dict) else None
        if excess < 0 or not isinstance(parts, list):
            changed.append(message)
            continue
        kept = _leading(parts) if place == newest else len(parts)
        written: list[Any] = []
        for number, part in enumerate(parts):
            instead = _PICTURES.get(part.get("type", "")) if isinstance(part, dict) else None
            if instead is not None and number < kept and excess >= 0:
                text = {"type": instead, "text": _LEFT_OUT}
                excess -= size_of(part) - size_of(text)
                dropped += 1
                part = text
            written.append(part)
        changed.append({**message, "content": written})
    return ({**body, key: changed}, dropped) if dropped else (body, 0)


def _leading(parts: list[Any]) -> int:
    """How many of the newest message's parts come before its own pictures, which end it.

    An unanswered message before it is joined to it, so a picture that is followed by words is an earlier one.
    """
    number = len(parts)
    while number and isinstance(parts[number - 1], dict) and parts[number - 1].get("type") in _PICTURES:
        number -= 1
    return number
