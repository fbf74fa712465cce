"""Remembers what servers refuse, by provider and model: parameters to drop or rename, roles, wire APIs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from gptchat.errors import GptchatError
from gptchat.values import dataclass, field
from gptchat.words import _

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Lesson:
    """One adaptation of requests that a server requires.

    `what` is `drop` (the parameter `name`), `rename` (`name` to `value`), `system` (system prompts get the role
    `value`), `alternate` (merge consecutive messages of the same role), `size` (keep below `value` bytes,
    by leaving earlier pictures out), `stream` (ask for a stream), `api` (use the wire API `value`) or `form` (a
    schema of an answer goes in the form `value` of `providers.structured`).
    Window sizes are remembered elsewhere (`tokens.windows`).
    """

    what: str
    name: str
    value: str = ""

    def sentence(self) -> str:
        """The lesson as a phrase for the user, without its provider and model."""
        if self.what == "drop" and self.name == "tools":
            return _("tools are not taken and are off")
        if self.what == "drop":
            return _("{name} is not taken and is left out").format(name=self.name)
        if self.what == "rename":
            return _("{name} goes as {value}").format(name=self.name, value=self.value)
        if self.what == "system":
            return _("the system prompt goes in the role {value}").format(value=self.value)
        if self.what == "alternate":
            return _("messages of the same role are sent as one")
        if self.what == "size":
            return _("a request of {size} kB or more is too large, and earlier pictures are left out").format(
                size=f"{int(self.value) // 1000:,}"
            )
        if self.what == "stream":
            return _("replies are streamed")
        if self.what == "form":
            return _FORMS.get(self.value, _FORMS["prompt"])()
        return _("the {value} API is used").format(value=self.value)


_FORMS: Mapping[str, Callable[[], str]] = {
    "json_schema": lambda: _("a schema goes without strict"),
    "json_object": lambda: _("a schema goes into the prompt, with response_format json_object"),
    "tool": lambda: _("a schema goes as a tool that takes the answer"),
    "prompt": lambda: _("a schema goes into the prompt alone"),
}
"""What is told of each form of a schema that a server is asked in instead of a surer one."""


@dataclass(frozen=True, slots=True)
class LearntLesson:
    """A lesson with the provider and model it applies to."""

    provider: str
    model: str
    lesson: Lesson


LASTING = timedelta(days=30)
"""How long a lesson is valid: servers and models change, and learning it again costs one refused request."""

_SETTINGS = {
    "reasoning_effort": "effort",
    "reasoning.effort": "effort",
    "reasoning": "effort",
    "enable_thinking": "thinking",
    "chat_template_kwargs": "thinking",
    "chat_template_kwargs.enable_thinking": "thinking",
    "max_completion_tokens": "max_tokens",
    "max_output_tokens": "max_tokens",
}
"""The setting of each parameter that has another name on the wire."""


@dataclass(slots=True)
class Learnt:
    """The remembered lessons. `load` is called on first use, `save` after every change.

    `load` returns and `save` takes the same JSON object: it maps providers to models to lists of
    `[what, name, value, day]`. `day` is the date of learning (ISO 8601); an entry without it counts as learnt
    today. Entries of another shape are ignored. `today` returns the current date.
    """

    load: Callable[[], Mapping[str, Any]] | None = None
    save: Callable[[Json], None] | None = None
    today: Callable[[], date] = date.today
    _lessons: dict[tuple[str, str], dict[Lesson, date]] | None = field(default=None, repr=False)

    def lessons(self, provider: str, model: str) -> tuple[Lesson, ...]:
        """The lessons for `model` at `provider` that are not older than `LASTING`, in the order learnt."""
        oldest = self.today() - LASTING
        return tuple(one for one, day in self._all().get((provider, model), {}).items() if day >= oldest)

    def left_out(self, provider: str, model: str) -> frozenset[str]:
        """The settings that `model` at `provider` does not accept, by the lessons."""
        names = (lesson.name for lesson in self.lessons(provider, model) if lesson.what == "drop")
        return frozenset(_SETTINGS.get(name, name) for name in names)

    def entries(self) -> tuple[LearntLesson, ...]:
        """All valid lessons, sorted by provider and model."""
        return tuple(
            LearntLesson(provider, model, lesson)
            for provider, model in sorted(self._all())
            for lesson in self.lessons(provider, model)
        )

    def learn(self, provider: str, model: str, lesson: Lesson) -> bool:
        """Remember `lesson`; it replaces one with the same `what` and `name`. False if it was known already."""
        if lesson in self.lessons(provider, model):
            return False
        held = self._all().get((provider, model), {})
        others = {old: day for old, day in held.items() if (old.what, old.name) != (lesson.what, lesson.name)}
        self._all()[provider, model] = {**others, lesson: self.today()}
        self._changed()
        return True

    def forget(self, provider: str = "", model: str = "") -> int:
        """Forget the lessons for `model` at `provider` (empty: any); returns the number of forgotten lessons."""
        gone = [
            key for key in self._all() if (not provider or key[0] == provider) and (not model or key[1] == model)
        ]
        number = sum(len(self._all().pop(key)) for key in gone)
        if number:
            self._changed()
        return number

    def api(self, provider: str, model: str) -> str:
        """The wire API that the server asked for; empty if it did not."""
        return next((lesson.value for lesson in self.lessons(provider, model) if lesson.what == "api"), "")

    def to_json(self) -> Json:
        """All lessons, in the format of `load`."""
        data: Json = {}
        for (provider, model), lessons in self._all().items():
            if lessons:
                data.setdefault(provider, {})[model] = [
                    [one.what, one.name, one.value, day.isoformat()] for one, day in lessons.items()
                ]
        return data

    def _all(self) -> dict[tuple[str, str], dict[Lesson, date]]:
        if self._lessons is None:
            self._lessons = {}
            try:
                data: object = self.load() if self.load is not None else {}
            except GptchatError:  # lessons that cannot be read can be learnt again
                data = {}
            for provider, models in data.items() if isinstance(data, Mapping) else ():
                for model, items in models.items() if isinstance(models, Mapping) else ():
                    read = map(self._read, items if isinstance(items, list) else ())
                    self._lessons[provider, model] = dict(filter(None, read))
        return self._lessons

    def _read(self, item: object) -> tuple[Lesson, date] | None:
        """The lesson in one stored entry, and the day it was learnt; None if the entry has another shape."""
        if not isinstance(item, list) or len(item) not in (3, 4) or not all(isinstance(one, str) for one in item):
            return None
        try:
            day = date.fromisoformat(item[3]) if len(item) == 4 else self.today()
        except ValueError:
            return None
        return Lesson(*item[:3]), min(day, self.today())  # a future date (a wrong clock) would never expire

    def _changed(self) -> None:
        if self.save is not None:
            try:
                self.save(self.to_json())
            except GptchatError:  # a lesson that cannot be saved is learnt again; the reply must not fail
                pass
