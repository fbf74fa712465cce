"""What servers refuse, learnt once: parameters dropped or renamed, roles, wire APIs and windows, by model."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gptchat.errors import BadRequestError, GptchatError, NotFoundError
from gptchat.words import _

Json = dict[str, Any]

_ESSENTIAL = frozenset(("model", "messages", "input", "prompt", "instructions", "stream"))
_LENGTHS = ("max_tokens", "max_completion_tokens", "max_output_tokens")

# A value out of range is the person's to correct; only a parameter that is not taken at all is dropped.
_UNSUPPORTED = re.compile(
    r"unsupported|not.{0,12}support|unrecogni[sz]ed|unknown|unexpected|extra (?:inputs|fields)|extra_forbidden"
    r"|not (?:permitted|allowed|available|compatible|implemented)|does not exist|deprecated|no longer|cannot both"
    r"|can ?not be (?:used|specified)|only the default|invalid (?:parameter|argument|field)|must be verified"
    r"|不支持",
    re.IGNORECASE,
)
_ROLE = re.compile(
    r"system.{0,40}(?:role|message|prompt)|role.{0,60}system|developer.{0,40}(?:role|message)|role.{0,60}developer",
    re.I | re.S,
)
_OTHER_API = re.compile(
    r"\b(?:only|use|did you mean)\b[^.]{0,40}?v1/(responses|completions|chat/completions)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Lesson:
    """One thing learnt.

    `what` is `drop` NAME, `rename` NAME to VALUE, `system` (its role is VALUE), `api` VALUE, or `context`
    (the window is VALUE tokens).
    """

    what: str
    name: str
    value: str = ""

    def sentence(self) -> str:
        """The lesson in words, without its provider and model."""
        if self.what == "drop":
            return _("{name} is not taken and is left out").format(name=self.name)
        if self.what == "rename":
            return _("{name} goes as {value}").format(name=self.name, value=self.value)
        if self.what == "system":
            return _("the system prompt goes in the role {value}").format(value=self.value)
        if self.what == "api":
            return _("the {value} API is used").format(value=self.value)
        return _("the window is {value} tokens").format(value=self.value)


@dataclass(frozen=True, slots=True)
class Learning:
    """A lesson with the provider and model it holds for."""

    provider: str
    model: str
    lesson: Lesson


@dataclass(slots=True)
class Learnt:
    """The memory of lessons. `load` is called at the first use, `save` after every change.

    Both take the same JSON object: provider, then model, then a list of `[what, name, value]`. Entries of
    another shape are ignored.
    """

    load: Callable[[], Mapping[str, Any]] | None = None
    save: Callable[[Json], None] | None = None
    _lessons: dict[tuple[str, str], list[Lesson]] | None = field(default=None, repr=False)

    def lessons(self, provider: str, model: str) -> tuple[Lesson, ...]:
        """What is known of `model` at `provider`, in the order it was learnt."""
        return tuple(self._all().get((provider, model), ()))

    def entries(self) -> tuple[Learning, ...]:
        """Everything known, for a list."""
        return tuple(
            Learning(provider, model, lesson)
            for (provider, model), lessons in sorted(self._all().items())
            for lesson in lessons
        )

    def learn(self, provider: str, model: str, lesson: Lesson) -> bool:
        """Remember `lesson`, in place of an earlier one about the same thing; False where it was known."""
        held = self._all().setdefault((provider, model), [])
        if lesson in held:
            return False
        held[:] = [old for old in held if (old.what, old.name) != (lesson.what, lesson.name)] + [lesson]
        self._changed()
        return True

    def forget(self, provider: str = "", model: str = "") -> int:
        """Forget what is known of `model` at `provider` (empty: of any); returns how many lessons that were."""
        gone = [
            key for key in self._all() if (not provider or key[0] == provider) and (not model or key[1] == model)
        ]
        number = sum(len(self._all().pop(key)) for key in gone)
        if number:
            self._changed()
        return number

    def window(self, provider: str, model: str) -> int | None:
        """The window in tokens that an error once told, or None."""
        for lesson in self.lessons(provider, model):
            if lesson.what == "context" and lesson.value.isdigit():
                return int(lesson.value)
        return None

    def api(self, provider: str, model: str) -> str:
        """The wire API the server asked for, or empty."""
        return next((lesson.value for lesson in self.lessons(provider, model) if lesson.what == "api"), "")

    def to_json(self) -> Json:
        """Everything known, as `load` gives it back."""
        data: Json = {}
        for (provider, model), lessons in self._all().items():
            if lessons:
                data.setdefault(provider, {})[model] = [[one.what, one.name, one.value] for one in lessons]
        return data

    def _all(self) -> dict[tuple[str, str], list[Lesson]]:
        if self._lessons is None:
            self._lessons = {}
            try:
                data: object = self.load() if self.load is not None else {}
            except GptchatError:  # a memory that cannot be read is begun anew; it is only experience
                data = {}
            for provider, models in data.items() if isinstance(data, Mapping) else ():
                for model, items in models.items() if isinstance(models, Mapping) else ():
                    read = [
                        Lesson(*item)
                        for item in (items if isinstance(items, list) else ())
                        if isinstance(item, list)
                        and len(item) == 3
                        and all(isinstance(part, str) for part in item)
                    ]
                    self._lessons[provider, model] = read
        return self._lessons

    def _changed(self) -> None:
        if self.save is not None:
            try:
                self.save(self.to_json())
            except GptchatError:  # what cannot be saved is learnt again next time; no reply fails for it
                pass


def apply(body: Json, lessons: tuple[Lesson, ...]) -> Json:
    """`body` as the server is known to take it; `body` itself is not changed."""
    for lesson in lessons:
        if lesson.what == "drop":
            body = _without(body, lesson.name.split("."))
        elif lesson.what == "rename" and lesson.name in body:
            body = {lesson.value if key == lesson.name else key: value for key, value in body.items()}
        elif lesson.what == "system" and isinstance(body.get("messages"), list):
            body = {**body, "messages": [_in_role(message, lesson.value) for message in body["messages"]]}
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


def lesson_in(error: GptchatError, body: Json, api: str) -> Lesson | None:
    """What a refusal of `body` teaches, so that it can be sent again at once; None where nothing.

    `api` is the wire that `body` was for. Only refusals (400, 404, 422) that name what they refuse teach.
    """
    if not isinstance(error, (BadRequestError, NotFoundError)) or error.status not in (400, 404, 405, 422, 501):
        return None
    message = error.message
    other = _OTHER_API.search(message)
    if other:
        wanted = {"chat/completions": "chat"}.get(other[1].lower(), other[1].lower())
        if wanted != api:
            return Lesson("api", "", wanted)
    if not isinstance(error, BadRequestError):
        return None
    return _role(message, body) or _length(message, error.param, body) or _dropped(message, error.param, body)


def _role(message: str, body: Json) -> Lesson | None:
    if not _ROLE.search(message) or not _refuses(message):
        return None
    roles = [one.get("role") for one in body.get("messages", ()) if isinstance(one, dict)]
    if "developer" in roles:  # the server told us before, or the person chose it
        return Lesson("system", "role", "user" if _mentions("system", message) else "system")
    if "system" in roles:
        return Lesson("system", "role", "developer" if _mentions("developer", message) else "user")
    return None


def _length(message: str, param: str | None, body: Json) -> Lesson | None:
    for name in _LENGTHS:
        if name not in body or not (param == name or _mentions(name, message)) or not _refuses(message):
            continue
        for other in _LENGTHS:
            if other != name and _mentions(other, message):
                return Lesson("rename", name, other)
    return None


def _dropped(message: str, param: str | None, body: Json) -> Lesson | None:
    if not _refuses(message):
        return None
    names = sorted(_paths(body), key=len, reverse=True)
    if param:
        for name in names:
            if param == name or param.startswith((f"{name}.", f"{name}[")):
                return Lesson("drop", name)
    # where two parameters are refused together, the later one goes: it is the one the person added
    told = [name for name in names if _mentions(name, message)]
    if told:
        return Lesson("drop", max(told, key=lambda name: (_place(name, message), len(name))))
    return None


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
    return _place(name, message) >= 0


def _place(name: str, message: str) -> int:
    """Where `message` names the parameter `name`, or -1."""
    word = re.escape(name)
    patterns = [
        rf"[`'\"‘“]{word}[`'\"’”]",
        rf"(?<![\w.]){word}(?=\s*[:=])",
        rf"(?:parameter|argument|field|input)s?:? {word}(?!\w)",
    ]
    if "_" in name or len(name) > 8:  # `n`, `seed` and `stop` are words too, and count only where marked as names
        patterns.append(rf"(?<![\w.]){word}(?!\w|\.\w)")
    found = re.search("|".join(patterns), message)
    return found.start() if found else -1
