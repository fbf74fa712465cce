"""What servers refuse, learnt once: parameters dropped or renamed, roles and wire APIs, by model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from gptchat.errors import GptchatError
from gptchat.words import _

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Lesson:
    """One thing learnt.

    `what` is `drop` NAME, `rename` NAME to VALUE, `system` (its role is VALUE), `alternate` (one message of
    a role at a time), or `api` VALUE. Windows are remembered elsewhere (`tokens.windows`).
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
        if self.what == "alternate":
            return _("messages of the same role are sent as one")
        return _("the {value} API is used").format(value=self.value)


@dataclass(frozen=True, slots=True)
class Learning:
    """A lesson with the provider and model it holds for."""

    provider: str
    model: str
    lesson: Lesson


LASTING = timedelta(days=30)
"""How long a lesson holds: servers and models change, and learning again costs one refused request."""

_SETTINGS = {
    "reasoning_effort": "effort",
    "reasoning.effort": "effort",
    "reasoning": "effort",
    "max_completion_tokens": "max_tokens",
    "max_output_tokens": "max_tokens",
}
"""The settings behind parameters that the wire calls otherwise."""


@dataclass(slots=True)
class Learnt:
    """The memory of lessons. `load` is called at the first use, `save` after every change.

    Both take the same JSON object: provider, then model, then a list of `[what, name, value, day]`. `day` is the
    date (ISO 8601) of learning; an entry without one was learnt today. Entries of another shape are
    ignored. `today` gives the date.
    """

    load: Callable[[], Mapping[str, Any]] | None = None
    save: Callable[[Json], None] | None = None
    today: Callable[[], date] = date.today
    _lessons: dict[tuple[str, str], dict[Lesson, date]] | None = field(default=None, repr=False)

    def lessons(self, provider: str, model: str) -> tuple[Lesson, ...]:
        """What is known of `model` at `provider`, in the order it was learnt; what is too old no longer counts."""
        oldest = self.today() - LASTING
        return tuple(one for one, day in self._all().get((provider, model), {}).items() if day >= oldest)

    def left_out(self, provider: str, model: str) -> frozenset[str]:
        """The settings that `model` at `provider` is known not to take."""
        names = (lesson.name for lesson in self.lessons(provider, model) if lesson.what == "drop")
        return frozenset(_SETTINGS.get(name, name) for name in names)

    def entries(self) -> tuple[Learning, ...]:
        """Everything known, for a list."""
        return tuple(
            Learning(provider, model, lesson)
            for provider, model in sorted(self._all())
            for lesson in self.lessons(provider, model)
        )

    def learn(self, provider: str, model: str, lesson: Lesson) -> bool:
        """Remember `lesson`, in place of an earlier one about the same thing; False where it was known."""
        if lesson in self.lessons(provider, model):
            return False
        held = self._all().get((provider, model), {})
        others = {old: day for old, day in held.items() if (old.what, old.name) != (lesson.what, lesson.name)}
        self._all()[provider, model] = {**others, lesson: self.today()}
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

    def api(self, provider: str, model: str) -> str:
        """The wire API the server asked for, or empty."""
        return next((lesson.value for lesson in self.lessons(provider, model) if lesson.what == "api"), "")

    def to_json(self) -> Json:
        """Everything known, as `load` gives it back."""
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
            except GptchatError:  # a memory that cannot be read is begun anew; it is only experience
                data = {}
            for provider, models in data.items() if isinstance(data, Mapping) else ():
                for model, items in models.items() if isinstance(models, Mapping) else ():
                    read = map(self._read, items if isinstance(items, list) else ())
                    self._lessons[provider, model] = dict(filter(None, read))
        return self._lessons

    def _read(self, item: object) -> tuple[Lesson, date] | None:
        """One entry of the file and the day it was learnt; None for one of another shape."""
        if not isinstance(item, list) or len(item) not in (3, 4) or not all(isinstance(one, str) for one in item):
            return None
        try:
            day = date.fromisoformat(item[3]) if len(item) == 4 else self.today()
        except ValueError:
            return None
        return Lesson(*item[:3]), min(day, self.today())  # a day to come is another clock's, and would never pass

    def _changed(self) -> None:
        if self.save is not None:
            try:
                self.save(self.to_json())
            except GptchatError:  # what cannot be saved is learnt again next time; no reply fails for it
                pass
