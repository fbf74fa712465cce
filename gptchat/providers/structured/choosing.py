"""Which form a server is asked in for an answer that fits a schema: learnt from what it refuses."""

from __future__ import annotations

import re

from gptchat.core.messages import Request
from gptchat.core.structured import Structure
from gptchat.errors import (
    BadRequestError,
    NotFoundError,
    PermissionDeniedError,
    ProviderError,
    ServerError,
)
from gptchat.providers.faults.dialects import without_name
from gptchat.providers.faults.quirks import Learnt, Lesson
from gptchat.providers.structured.forms import FORMS, Form, in_form

_FORMAT = re.compile(
    r"response[ _]?format|text\.format|json[ _]?(?:schema|object|mode|output)|structured[ _]?output"
    r"|response[ _]?(?:mime|schema)|\bgrammar|guided|constrained|\bstrict\b|\bschema\b|结构化输出|输出格式",
    re.IGNORECASE,
)
"""Refusals that speak of the format of an answer."""
_THIS_SCHEMA = re.compile(
    r"invalid (?:json )?schema|schema (?:is )?(?:invalid|too (?:large|complex|deep))"
    r"|in context ?=|is not permitted"
    r"|(?:failed|unable|error)[^.]{0,20} (?:pars|conver|compil)\w*[^.]{0,20}(?:schema|grammar)"
    r"|unsupported (?:keyword|schema)|too many (?:states|properties)|schema[^.]{0,40}produces",
    re.IGNORECASE,
)
"""Refusals of one schema, which say nothing of others."""
_TOOL = re.compile(r"tool|function|forced|\brequired\b|grammar|工具|函数", re.IGNORECASE)
_REFUSALS = (BadRequestError, NotFoundError, PermissionDeniedError, ServerError)
_STATUSES = (400, 404, 405, 415, 422, 500, 501)
_DROPS = ("response_format", "text", "text.format", "response_format.type", "response_format.json_schema")
"""Parameters without which the first three forms say nothing, as lessons name them."""


class Forms:
    """Chooses the form of each request.

    What a server does not take at all is learnt; what it says of one schema is remembered while the program runs.
    """

    def __init__(self, learnt: Learnt) -> None:
        self._learnt = learnt
        self._refused: dict[tuple[str, str, str], Form] = {}
        """By provider, model and schema: the form that comes after one that was refused."""

    def asked(self, provider: str, request: Request, api: str) -> Request:
        """`request` in its form, over the wire API `api`; unchanged where it has no structure."""
        if request.structure is None:
            return request
        return in_form(request, self.form(provider, request, api), api)

    def form(self, provider: str, request: Request, api: str) -> Form:
        """The first form that is not known to be refused."""
        structure = request.structure
        assert structure is not None
        if api == "completions":
            return "prompt"
        lessons = self._learnt.lessons(provider, request.model)
        known = {lesson.name: lesson.value for lesson in lessons if lesson.what == "form"}
        dropped = {lesson.name for lesson in lessons if lesson.what == "drop"}
        least = [0 if structure.strict is not None else 1]
        for name in ("schema", _TOGETHER) if request.tools else ("schema",):
            least += [number for number, form in enumerate(FORMS) if form == known.get(name)]
        if after := self._refused.get(_key(provider, request.model, structure)):
            least.append(FORMS.index(after))
        if not dropped.isdisjoint(_DROPS):
            least.append(FORMS.index("tool"))
        form = FORMS[max(least)]
        return "prompt" if form == "tool" and not dropped.isdisjoint(("tools", "tool_choice")) else form

    def next(self, error: ProviderError, provider: str, request: Request, api: str) -> Lesson | Form | None:
        """What follows if `error` refuses the form of `request`: a new lesson, or the form of this schema alone.

        None if it does not refuse the form.
        """
        structure = request.structure
        if structure is None or not isinstance(error, _REFUSALS) or error.status not in _STATUSES:
            return None
        form = self.form(provider, request, api)
        if form == "prompt":
            return None
        said = error.said
        message = f"{without_name(said.text, request.model)} {said.param}"
        after = FORMS[FORMS.index(form) + 1]
        if form == "tool":
            if not _TOOL.search(message):
                return None
        elif not _FORMAT.search(message):
            return None
        if form != "tool" and _THIS_SCHEMA.search(message):
            self._refused[_key(provider, request.model, structure)] = after
            return after
        if form == "strict" and "strict" not in message:
            after = "json_object"  # it is json_schema as such that is refused
        lesson = Lesson("form", _TOGETHER if request.tools else "schema", after)
        self._learnt.learn(provider, request.model, lesson)
        return lesson

    def unexplained(self, error: ProviderError, provider: str, request: Request, api: str) -> Form | None:
        """The plainest form, where a server refuses `request` and does not say what of it; tried once."""
        structure = request.structure
        plain = isinstance(error, BadRequestError) and error.status in (400, 422) and not error.said.param
        if structure is None or not plain or self.form(provider, request, api) == "prompt":
            return None
        self._refused[_key(provider, request.model, structure)] = "prompt"
        return "prompt"


_TOGETHER = "schema with tools"
"""The name of lessons about requests that offer tools as well."""


def _key(provider: str, model: str, structure: Structure) -> tuple[str, str, str]:
    return provider, model, structure.instructions
