"""Derives lessons from refusals, and applies lessons to request bodies."""

from __future__ import annotations

import re
from itertools import islice
from typing import Any

from gptchat.errors import (
    BadRequestError,
    NotFoundError,
    PermissionDeniedError,
    ProviderError,
    Refusal,
    ServerError,
)
from gptchat.providers.faults.dialects import without_name
from gptchat.providers.faults.quirks import Json, Lesson
from gptchat.providers.faults.sizes import size_lesson

_ESSENTIAL = frozenset(("model", "messages", "input", "prompt", "instructions", "stream", "tools"))
"""Parameters that a word of refusal near their name does not drop; of tools it may mean one of them."""
_LENGTHS = ("max_tokens", "max_completion_tokens", "max_output_tokens")

# Only a parameter that the server does not support is dropped; a value out of range is for the user to correct.
_UNSUPPORTED = re.compile(
    r"unsupported|not.{0,12}support|n['’]t (?:\w+ )?support|unrecogni[sz]ed|unknown|unexpected"
    r"|extra (?:inputs|fields)|extra_forbidden"
    r"|not (?:permitted|allowed|available|compatible|implemented)|does not exist|deprecated|no longer|cannot both"
    r"|can ?not be (?:used|specified)|only the default|only (?:allowed|valid|permitted) (?:when|if|with)"
    r"|invalid (?:parameter|argument|field)|must be verified"
    r"|不支持|[未没]有?支持|不[被受][^，。；]{0,12}支持|未知(?:的)?参数",
    re.IGNORECASE,
)
_UNSUPPORTED_CODES = frozenset(
    ("unsupported_parameter", "unsupported_value", "unknown_parameter", "extra_forbidden")
)
"""Error codes and types that refuse the parameter in `param`, whatever the message says."""
_OBJECT_FOLLOWS = re.compile(
    r"(?:(?<!is )(?<!are )(?<!be )(?:unsupported|unrecogni[sz]ed|unknown|unexpected|invalid )"
    r"|(?:not.{0,12}|n['’]t (?:\w+ )?)support(?!ed)|(?:不|[未没]有?)支持(?!\s*(?:[,.;，。；]|$))|未知(?:的)?参数)",
    re.IGNORECASE,
)
"""Words that are followed by the parameter they refuse; the others follow it."""
_REFUSALS = 4  # examined per message; real messages have one or two
_CLAUSE_END = re.compile(r"[.!?](?=\s)|[;。；\n]")
_CONDITION = re.compile(r"\b(?:unless|while|when|once|with|if|because)\b", re.IGNORECASE)
_ROLE = re.compile(
    r"system.{0,40}(?:role|message|prompt)|role.{0,60}system|developer.{0,40}(?:role|message)|role.{0,60}developer",
    re.I | re.S,
)
_ALTERNATE = re.compile(r"roles? must alternate|alternat\w+ .{0,20}(?:user|assistant|roles?)", re.IGNORECASE)
_CHOICES = re.compile(r"supported values|valid values|(?:must|should) be one of|expected one of", re.IGNORECASE)
"""A server that lists accepted values refuses only the value, which the user can correct."""
_UNKNOWN = re.compile(r"unknown (?:field|name|parameter|argument)", re.IGNORECASE)
"""A server that lists the parameters it knows refuses the parameter, not its value."""
_TELLING = (
    (
        "n",
        (
            r"only one (?:completion )?choice|only n ?= ?1\b|range of n should be \[1, ?1\]"
            r"|[`'\"]?\bn\b[`'\"]?\s*:? (?:number )?must be (?:at most |<= ?)?1\b(?![-–.]\d| (?:or|to|and) )"
        ),
    ),
    ("reasoning_effort", r"does not support thinking"),  # Ollama
    ("frequency_penalty", r"penalty is not enabled"),  # Gemini; if both are set, they are dropped one by one
    ("presence_penalty", r"penalty is not enabled"),
    ("temperature", r"\btemperature\b.{0,8} only (?:be set to )?\d"),  # Anthropic, Kimi
    ("response_format", r"does not support json.?(?:output|mode|object|schema)"),  # DeepSeek
    ("tool_choice", r"when using `?tool_choice`?, `?tools`? must be set"),  # vLLM
    ("stream", r"must be verified to stream"),  # OpenAI, for organisations that are not verified
)
"""Messages that refuse a parameter without naming it, or as if only its value were wrong."""
_TOOLS = r"(?:tools\b|functions\b|(?:tool|function)[ _-]?(?:us(?:e|age)|call(?:s|ing)?)\b)"
_NO_TOOLS = re.compile(
    rf"(?:\bnot|n['’]t) (?:yet )?support (?:\w+ ){{0,3}}{_TOOLS}"
    rf"|{_TOOLS}[`'\"]? (?:\w+ )?(?:is|are) (?:not|un)"
    rf"|\bno (?:endpoints?|providers?|models?) (?:\w+ ){{0,3}}support {_TOOLS}"  # OpenRouter
    r"|tools? param\w* requires?\b|requires? --(?:jinja|enable-auto-tool-choice)"  # llama.cpp, vLLM
    r"|(?:unrecogni[sz]ed|unknown|unsupported|unexpected)[^.:]{0,40}:? ?[`'\"]?\b(?:tools|functions)\b(?![\[.])"
    r"|\btools: extra inputs"
    r"|不支持[^，。；]{0,8}(?:工具|函数|function|tool)|(?:工具|函数)调用[^，。；]{0,6}不[被受]?支持",
    re.IGNORECASE,
)
"""Messages that refuse all tools."""
_STREAM_ONLY = re.compile(
    r"only supports? (?:the )?stream|streaming (?:is )?(?:required|only)"
    r"|must (?:be )?(?:use |set )?stream(?:=| to )?true|for non-?streaming calls|stream must be (?:set to )?true"
    r"|(?:仅|只)支持流式|非流式.{0,8}不支持|不支持非流式",
    re.IGNORECASE,
)
"""DashScope and others: models that answer only in a stream."""
_OTHER_API = re.compile(
    r"\b(?:only|use|did you mean)\b[^.]{0,40}?v1/(responses|completions|chat/completions)", re.IGNORECASE
)


_ALONG = {"stream": ("stream_options",), "tools": ("tool_choice", "parallel_tool_calls")}
"""Parameters that a server refuses without another one."""


def apply(body: Json, lessons: tuple[Lesson, ...]) -> Json:
    """`body` adapted by `lessons`; the argument itself is not changed."""
    for lesson in lessons:
        if lesson.what == "drop":
            body = _without(body, lesson.name.split("."))
            for name in _ALONG.get(lesson.name, ()):
                body = _without(body, [name])
        elif lesson.what == "rename" and lesson.name in body:
            body = {lesson.value if key == lesson.name else key: value for key, value in body.items()}
        elif lesson.what == "system" and isinstance(body.get("messages"), list):
            body = {**body, "messages": [_in_role(message, lesson.value) for message in body["messages"]]}
        elif lesson.what == "stream":
            body = {**body, "stream": True}
        elif lesson.what == "alternate" and isinstance(body.get("messages"), list):
            body = {**body, "messages": _alternating(body["messages"])}
    return body


def _without(body: Json, path: list[str]) -> Json:
    if path[0] not in body:
        return body
    if len(path) == 1:
        return {key: value for key, value in body.items() if key != path[0]}
    inner = body[path[0]]
    if not isinstance(inner, dict):
        return body
    left = _without(inner, path[1:])
    return {**body, path[0]: left} if left else _without(body, path[:1])


def _in_role(message: Any, role: str) -> Any:
    if isinstance(message, dict) and message.get("role") in ("system", "developer"):
        return {**message, "role": role}
    return message


def _alternating(messages: list[Any]) -> list[Any]:
    """`messages` with consecutive ones of the same role merged, separated by a blank line."""
    joined: list[Any] = []
    for message in messages:
        before = joined[-1] if joined else None
        if isinstance(before, dict) and isinstance(message, dict) and _joins(before, message):
            joined[-1] = {**before, "content": _both(before["content"], message["content"])}
        else:
            joined.append(message)
    return joined


def _joins(before: Json, message: Json) -> bool:
    role = message.get("role")
    return role == before.get("role") and role in ("user", "assistant") and bool(before.get("content"))


def _both(first: Any, second: Any) -> Any:
    if isinstance(first, str) and isinstance(second, str):
        return f"{first}\n\n{second}"
    parts: list[Any] = []
    for content in (first, second):
        parts += [{"type": "text", "text": content}] if isinstance(content, str) else content or []
    return parts


def lesson_in(error: ProviderError, body: Json, api: str) -> Lesson | None:
    """The lesson with which `body` can be sent again after the refusal `error`; None if there is none.

    `api` is the wire API of `body`. A refusal must name what it refuses. Of server errors (500) only those of
    a model's chat template count, which some servers report with that status.
    """
    if isinstance(error, BadRequestError) and error.status == 413:
        return size_lesson(body)
    message = without_name(error.said.text, str(body.get("model") or ""))
    if isinstance(error, (BadRequestError, ServerError)) and error.status in (400, 422, 500):
        lesson = _alternate(message) or _role(message, body)
        if lesson is not None:
            return lesson
    if body.get("tools") and error.status in (400, 404, 405, 422, 500, 501) and _NO_TOOLS.search(message):
        return Lesson("drop", "tools")
    refused = isinstance(error, (BadRequestError, NotFoundError, PermissionDeniedError))
    if not refused or error.status not in (400, 404, 405, 422):
        return None
    other = _OTHER_API.search(message)
    if other:
        wanted = {"chat/completions": "chat"}.get(other[1].lower(), other[1].lower())
        if wanted != api:
            return Lesson("api", "", wanted)
    if isinstance(error, BadRequestError) and body.get("stream") is False and _STREAM_ONLY.search(message):
        return Lesson("stream", "stream")
    if isinstance(error, PermissionDeniedError) and error.status == 400 and "verified" in message:
        return _dropped(error.said, message, body)
    if not isinstance(error, BadRequestError):
        return None
    return _length(message, error.said.param, body) or _dropped(error.said, message, body)


def _alternate(message: str) -> Lesson | None:
    return Lesson("alternate", "messages") if _ALTERNATE.search(message) else None


def _role(message: str, body: Json) -> Lesson | None:
    if not _ROLE.search(message) or not (_refuses(message) or _CHOICES.search(message)):
        return None
    roles = [one.get("role") for one in body.get("messages", ()) if isinstance(one, dict)]
    if "developer" in roles:  # from an earlier lesson, or chosen by the user
        return Lesson("system", "role", "user" if _mentions("system", message) else "system")
    if "system" in roles:
        return Lesson("system", "role", "developer" if _mentions("developer", message) else "user")
    return None


def _length(message: str, param: str, body: Json) -> Lesson | None:
    for name in _LENGTHS:
        if name not in body or not (param == name or _mentions(name, message)) or not _refuses(message):
            continue
        if param != name and _refused(message, list(_LENGTHS)) != name:
            continue
        for other in _LENGTHS:
            if other != name and _mentions(other, message):
                return Lesson("rename", name, other)
    return None


def _dropped(said: Refusal, message: str, body: Json) -> Lesson | None:
    for name, sentence in _TELLING:
        if body.get(name) is not None and re.search(sentence, message, re.IGNORECASE):
            return Lesson("drop", name)
    coded = bool(said.param) and bool({said.code, said.type} & _UNSUPPORTED_CODES)
    if not (coded or _refuses(message)) or (_CHOICES.search(message) and not _UNKNOWN.search(message)):
        return None
    names = sorted(_paths(body), key=len, reverse=True)
    for name in names if said.param else ():
        if said.param == name or said.param.startswith((f"{name}.", f"{name}[")):
            return Lesson("drop", name)
    name = _refused(message, names)
    return Lesson("drop", name) if name else None


def _refused(message: str, names: list[str]) -> str:
    """The one of `names` that `message` refuses; empty if it refuses none of them.

    It stands next to the words that refuse, in their clause. Other parameters are named as conditions ("unless
    effort is none") and in advice ("use that instead").
    """
    for refusal in islice(_UNSUPPORTED.finditer(message), _REFUSALS):
        before = _CLAUSE_END.split(message[: refusal.start()])[-1]
        after = _CONDITION.split(_CLAUSE_END.split(message[refusal.end() :])[0])[0]
        # If two parameters are refused together, the later one is dropped: it is the one the user added.
        told = [_last(_CONDITION.split(before)[0], names) or _last(before, names), _first(after, names)]
        if _OBJECT_FOLLOWS.match(message, refusal.start()):
            told.reverse()
        if any(told):
            return told[0] or told[1]
    return _last(message, names)


def _first(text: str, names: list[str]) -> str:
    return min(((place, name) for name in names for place in _places(name, text)), default=(0, ""))[1]


def _last(text: str, names: list[str]) -> str:
    return max(((place, name) for name in names for place in _places(name, text)), default=(0, ""))[1]


def _paths(body: Json) -> list[str]:
    paths: list[str] = []
    for key, value in body.items():
        if key in _ESSENTIAL:
            continue
        paths.append(key)
        if isinstance(value, dict):
            paths.extend(f"{key}.{inner}" for inner in value)
    return paths


def _refuses(message: str) -> bool:
    return _UNSUPPORTED.search(message) is not None


def _mentions(name: str, message: str) -> bool:
    return bool(_places(name, message))


def _places(name: str, message: str) -> list[int]:
    """The indexes at which `message` names the parameter `name`."""
    head, *tail = name.split("_")
    # xAI writes `presencePenalty`, Cerebras `body.seed`
    word = "(?:body\\.)?(?:" + re.escape(name) + "|" + re.escape(head + "".join(map(str.title, tail))) + ")"
    patterns = [
        rf"[`'\"‘“]{word}[`'\"’”]",
        rf":\s*{word}[\s.]*$",
        rf"(?<![\w.]){word}(?=\s*[:=])",
        rf"(?:parameter|argument|field|input)s?:? {word}(?!\w)",
        rf"参数\s*[:：]?\s*{word}(?!\w)",
        rf"(?<!\w){word}\s*参数",
    ]
    if "_" in name or len(name) > 8:  # `n`, `seed` and `stop` are also words, and must be marked as names
        patterns.append(rf"(?<![\w.]){word}(?!\w|\.\w)")
    # ASCII: an adjacent Chinese character is not part of the name
    return [found.start() for found in re.finditer("|".join(patterns), message, re.ASCII)]
