"""Checks an answer against its schema, with the library `jsonschema`, which is imported when it is first used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gptchat.core.structured import Fit, Structure, unwrapped
from gptchat.core.structured.extraction import find
from gptchat.core.structured.strict import without_nulls
from gptchat.core.titles import shorten
from gptchat.errors import MisfitError
from gptchat.values import dataclass
from gptchat.words import _

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

    from gptchat.core.messages import Message

_NARROWING = frozenset(
    ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength",
     "pattern", "format", "minItems", "maxItems", "const")
)  # fmt: skip
_SHOWN = 200
"""Characters of a value in a reason."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why a reply does not fit: for the person, and in English for the model."""

    reason: str
    told: str


def problem_of(schema: Mapping[str, Any]) -> str:
    """Why `schema` is not a JSON Schema, and where; empty if it is one."""
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import Draft202012Validator, validator_for
    from referencing.exceptions import Unresolvable

    kind = validator_for(schema, default=Draft202012Validator)
    try:
        kind.check_schema(schema)
    except SchemaError as error:
        return f"{_place(error)}: {shorten(error.message, _SHOWN)}"
    try:
        _validator(schema).is_valid({})  # what cannot be resolved is found here at the latest
        _resolve_all(schema)
    except Unresolvable as error:
        return _("there is nothing at {ref}").format(ref=error.ref)
    except RecursionError:
        return _("it refers to itself without end")
    return ""


def check(structure: Structure, reply: str) -> Fit | Misfit:
    """The answer in `reply` if one fits, else why the most likely one does not."""
    found = find(reply)
    first: Misfit | None = None
    for one in found.values:
        value = unwrapped(structure, one.value)
        if structure.strict is not None:
            value = without_nulls(value, structure.schema)
        error = _error(structure, value)
        if error is None:
            import json

            same = value is one.value or value == one.value
            return Fit(value, one.text if same else json.dumps(value, ensure_ascii=False))
        first = first or Misfit(*_reasons(error))
    if found.open:
        return Misfit(_("its JSON does not end"), "the JSON does not end")
    if first is None and found.broken:
        return Misfit(_("its JSON is wrong: {why}").format(why=found.broken), f"the JSON is wrong: {found.broken}")
    return first or Misfit(_("there is no JSON in it"), "there is no JSON in it")


def hopeless(message: Message) -> tuple[str, str] | None:
    """Why asking again would not help where the reply `message` does not fit, and what would.

    None if it may help.
    """
    if message.finish_reason == "length":
        return (
            _("the answer was cut off at the length limit"),
            _("raise max_tokens (-o max_tokens=N), or ask for less"),
        )
    if message.finish_reason == "content_filter":
        return _("the provider's content filter ended the answer"), _("say it in other words")
    if message.extra.get("refusal") is True:
        return (
            _("the model refuses to answer: {text}").format(text=shorten(message.text, _SHOWN)),
            _("say it in other words, or ask another model"),
        )
    return None


def failure(message: Message, misfit: Misfit, replies: Sequence[str]) -> MisfitError:
    """The error for the last of `replies`, which does not fit."""
    what, hint = hopeless(message) or (
        _("the answer does not fit the schema, asked twice: {reason}").format(reason=misfit.reason),
        _("take a model that does better, or a schema that says more of what is wanted"),
    )
    return MisfitError(what, hint=hint, replies=replies)


def _error(structure: Structure, value: Any) -> ValidationError | None:
    from jsonschema.exceptions import ValidationError, best_match

    try:
        return best_match(_validator(structure.schema).iter_errors(value))
    except RecursionError:
        return ValidationError("it is nested too deeply")


def _validator(schema: Mapping[str, Any]) -> Validator:
    from jsonschema.validators import Draft202012Validator, validator_for
    from referencing import Registry

    kind = validator_for(schema, default=Draft202012Validator)
    # A registry of our own, which fetches nothing: the library's would open the addresses of references.
    return kind(schema, registry=Registry(), format_checker=kind.FORMAT_CHECKER)


def _resolve_all(schema: Mapping[str, Any]) -> None:
    """Raise Unresolvable for a reference that leads nowhere."""
    from referencing import Registry
    from referencing.jsonschema import DRAFT202012

    resource = DRAFT202012.create_resource(schema)
    resolver = Registry().with_resource("", resource).resolver()
    waiting: list[Any] = [schema]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += one
        if not isinstance(one, Mapping):
            continue
        ref = one.get("$ref")
        if isinstance(ref, str) and (ref == "#" or ref.startswith("#/")):
            resolver.lookup(ref)
        waiting += [value for key, value in one.items() if key not in ("const", "enum", "default", "examples")]


def _place(error: ValidationError) -> str:
    place = "$"
    for part in error.absolute_path:
        place += f"[{part}]" if isinstance(part, int) else f".{part}"
    return place


def _reasons(error: ValidationError) -> tuple[str, str]:
    """Why a value does not fit: in the person's language, and in English."""
    place, value = _place(error), shorten(_json(error.instance), _SHOWN)
    told = f"{place}: {shorten(error.message, _SHOWN)}"
    wanted, rule = error.validator_value, str(error.validator)
    words = ""
    if rule == "type":
        words = _("{value} is not of type {wanted}")
        wanted = ", ".join(wanted) if isinstance(wanted, list) else wanted
    elif rule == "enum":
        words, wanted = _("{value} is none of {wanted}"), shorten(_json(wanted), _SHOWN)
    elif rule == "required":
        missing = [name for name in wanted if isinstance(error.instance, dict) and name not in error.instance]
        words, wanted = _("{wanted} is missing"), _(", ").join(missing)
    elif rule == "additionalProperties" and wanted is False and isinstance(error.instance, dict):
        known = error.schema.get("properties", {}) if isinstance(error.schema, Mapping) else {}
        more = [name for name in error.instance if name not in known]
        words, wanted = _("{wanted} is too much"), _(", ").join(more)
    elif rule in _NARROWING:
        words, wanted = _("{value} does not fit {rule} {wanted}"), _json(wanted)
    if not words:
        return told, told
    return f"{place}: {words.format(value=value, wanted=shorten(str(wanted), _SHOWN), rule=rule)}", told


def _json(value: Any) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)
