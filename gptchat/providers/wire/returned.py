"""Reasoning that a server wants back: what is kept of a reply, and what of it goes with later requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gptchat.providers.wire.common import Json, mapping, words

RETURNED = "returned"
"""The field of a message, in the journal and in a `Request`, with what its reply brought to be sent back:

`by` is the vendor (or the host) that sent it, and `model` the model that was asked: nobody else is given it.
`field` is where the reasoning arrived. Others are as the server sent them: `reasoning_details`, `thinking_blocks`,
`extra_content`, `encrypted_content`; `content` has chunks of reasoning, `calls` what each tool call carried, in
their order, `items` the reasoning items of the Responses API.
"""

FIELDS = ("reasoning_details", "thinking_blocks", "extra_content", "encrypted_content")
CALL_FIELDS = ("extra_content", "provider_specific_fields")
TEXTS = ("reasoning_content", "reasoning", "reasoning_text", "thinking")
"""Where servers put the text of reasoning."""
TAGGED = "<think>"
"""As a place of reasoning: inside of the content, between tags."""
AS_IT_CAME = "as it came"

_WHOLE = frozenset(("reasoning.encrypted", "redacted_thinking"))
"""Types of blocks that come in one piece."""
_GROWING = ("text", "summary", "thinking")
_CALL = ("id", "type", "function", "custom")


class Returned:
    """Collects what is to be sent back of one choice. Pieces of a text are joined once, at the end."""

    __slots__ = ("_blocks", "_calls", "_fields", "_texts", "field", "items")

    def __init__(self) -> None:
        self.field = ""
        """The field of the delta that has the reasoning."""
        self.items: dict[int, Json] = {}
        """Reasoning items of the Responses API, by their place in the output."""
        self._fields: Json = {}
        self._blocks: dict[str, list[Json]] = {}
        self._texts: dict[str, list[dict[str, list[str]]]] = {}
        self._calls: dict[int, Json] = {}

    def take(self, delta: Mapping[str, Any], *, whole: bool) -> None:
        """Keep what is in `delta`; `whole` says that it is a message, whose blocks are not pieces of others."""
        for name in FIELDS:
            value = delta.get(name)
            if isinstance(value, list):
                self._grow(name, value, whole)
            elif value and isinstance(value, (str, dict)):
                self._fields[name] = _merged(self._fields.get(name), _without_mark(value))
        content = delta.get("content")
        if isinstance(content, list):
            self._grow("content", [part for part in content if mapping(part).get("type") == "thinking"], whole)

    def call(self, index: int, call: Mapping[str, Any]) -> None:
        """Keep what the tool call `index` carries beside its function."""
        for name in CALL_FIELDS:
            if isinstance(call.get(name), dict):
                held = self._calls.setdefault(index, {})
                held[name] = _merged(held.get(name), call[name])

    def record(self, calls: Sequence[int]) -> Json:
        """What was kept, empty if nothing was; `calls` are the indices of the tool calls in their order."""
        record: Json = {"field": self.field} if self.field and calls else {}
        record.update((name, value) for name, value in self._fields.items() if value)
        for name, blocks in self._blocks.items():
            for block, texts in zip(blocks, self._texts[name], strict=True):
                for key, pieces in texts.items():
                    said = "".join(pieces)
                    block[key] = [{"type": "text", "text": said}] if name == "content" else said
            if blocks:
                record[name] = blocks
        if self._calls and calls:
            record["calls"] = [self._calls.get(index, {}) for index in calls]
        if self.items:
            record["items"] = [self.items[index] for index in sorted(self.items)]
        return record

    def _grow(self, name: str, pieces: Sequence[Any], whole: bool) -> None:
        blocks, texts = self._blocks.setdefault(name, []), self._texts.setdefault(name, [])
        for piece in pieces:
            if not isinstance(piece, dict):
                continue
            place = -1 if whole else _place(blocks, piece)
            if place < 0:
                place = len(blocks)
                blocks.append({})
                texts.append({})
            block, said = blocks[place], texts[place]
            for key, value in piece.items():
                if key in _GROWING and isinstance(value, (str, list)) and not (whole and name != "content"):
                    said.setdefault(key, []).append(value if isinstance(value, str) else words(value))
                elif value not in (None, "") or key not in block:
                    block[key] = value


def reasoning_in(delta: Mapping[str, Any]) -> tuple[str, str]:
    """The field of `delta` that has reasoning, and its text: only one, since servers repeat it in others."""
    for name in TEXTS:
        value = delta.get(name)
        if value and isinstance(value, str):
            return name, value
    content = delta.get("content")
    if isinstance(content, list):  # Mistral: {"type": "thinking", "thinking": [...]}
        parts = [part for part in content if isinstance(part, dict) and part.get("type") == "thinking"]
        if text := "".join(words(part.get("thinking")) for part in parts):
            return "content", text
    for name in ("reasoning_details", "thinking_blocks"):
        blocks = delta.get(name)
        for block in blocks if isinstance(blocks, list) else ():
            found = [mapping(block).get(key) for key in _GROWING]
            if text := "".join(one for one in found if isinstance(one, str)):
                return name, text
    return "", ""


def is_thought(delta: Mapping[str, Any]) -> bool:
    """Whether the content of `delta` is reasoning, which Gemini says beside it; its tags may be missing."""
    extra = mapping(delta.get("extra_content"))
    return any(mapping(one).get("thought") is True for one in extra.values())


def given_back(
    messages: Sequence[Mapping[str, Any]], back: Mapping[str, Any], by: str, model: str, *, thinks: bool
) -> tuple[Json, ...]:
    """`messages` with what `by` wants back of its own replies, and without `RETURNED`.

    `back` is the vendor's `send_back` (`gptchat.vendors.Vendor`), `thinks` whether the model is not asked not to.
    Reasoning as text goes to any model of who sent it, what is signed or encrypted only to its own. The items of
    the Responses API are in `items` of a message, which the other APIs leave out.
    """
    result = []
    for message, calling in zip(messages, _calling(messages), strict=True):
        given = {key: value for key, value in message.items() if key != RETURNED}
        if "tool_calls" in given:
            calls = given["tool_calls"]
            given["tool_calls"] = [
                {key: value for key, value in call.items() if key in _CALL}
                for call in (calls if isinstance(calls, (list, tuple)) else ())
                if isinstance(call, Mapping)
            ]
        result.append(given)
        if given.get("role") != "assistant":
            continue
        held = mapping(message.get(RETURNED))
        own = held if held.get("by") == by else {}
        same = own if own.get("model") == model else {}
        if isinstance(same.get("items"), list):
            given["items"] = [item for item in same["items"] if isinstance(item, dict)]
        when = back.get("when")
        if when == "always" or (thinks and (when == "thinking" or (when == "tool calls" and calling))):
            _give(given, back, own, same)
    return tuple(result)


def _give(given: Json, back: Mapping[str, Any], own: Mapping[str, Any], same: Mapping[str, Any]) -> None:
    for name in back.get("fields", ()):
        if name in same and name in FIELDS:
            given[name] = same[name]
    content, chunks = given.get("content"), same.get("content")
    if back.get("chunks") and isinstance(chunks, list) and chunks:
        said = [{"type": "text", "text": content}] if isinstance(content, str) and content else content
        given["content"] = [*chunks, *(said or ())]
    text, place = own.get("reasoning"), back.get("text", "")
    if place == AS_IT_CAME:
        place = own.get("field") if own.get("field") in TEXTS else ""
    if place and text and isinstance(text, str):
        if place != TAGGED:
            given[place] = text
        elif isinstance(content, str) or content is None:
            given["content"] = f"<think>\n{text}\n</think>\n\n{content or ''}"
    if calls := given.get("tool_calls"):
        carried = same.get("calls")
        for call, more in zip(calls, carried if isinstance(carried, list) else (), strict=False):
            call.update((name, value) for name, value in mapping(more).items() if name in CALL_FIELDS)
        if place in TEXTS and place not in given and "missing" in back:
            given[place] = back["missing"]
        stand_in = mapping(back.get("missing_call"))
        if stand_in and not any(stand_in.keys() & call.keys() for call in calls):
            calls[0].update(stand_in)


def _calling(messages: Sequence[Mapping[str, Any]]) -> list[bool]:
    """For each message, whether tools are called between the user's messages around it."""
    turns: list[int] = []
    calling: set[int] = set()
    turn = 0
    for message in messages:
        turn += message.get("role") == "user"
        turns.append(turn)
        if message.get("tool_calls"):
            calling.add(turn)
    return [turn in calling for turn in turns]


def _place(blocks: Sequence[Json], piece: Mapping[str, Any]) -> int:
    """The place of the block that `piece` goes on with; -1 for none."""
    if piece.get("type") in _WHOLE or not blocks:
        return -1
    index = piece.get("index")
    for place in range(len(blocks) - 1, -1, -1):
        block = blocks[place]
        if block.get("type") == piece.get("type") and block.get("index") == index:
            ended = index is None and (block.get("signature") or block.get("closed"))
            return -1 if ended else place
        if index is None:
            break
    return -1


def _merged(held: Any, value: Any) -> Any:
    if not (isinstance(held, dict) and isinstance(value, dict)):
        return value
    return {**held, **{key: _merged(held.get(key), item) for key, item in value.items()}}


def _without_mark(value: Any) -> Any:
    """`extra_content` without the mark that a piece is a thought, which holds for that piece alone."""
    if not isinstance(value, dict):
        return value
    cleaned = {
        key: {name: one for name, one in item.items() if name != "thought"} if isinstance(item, dict) else item
        for key, item in value.items()
    }
    return {key: item for key, item in cleaned.items() if item != {}}
