"""Text and TOML values become checked, typed values; what cannot is refused with its range and the nearest key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from gptchat import redaction
from gptchat.config import schema
from gptchat.config.setting import Setting
from gptchat.errors import ConfigurationError, UsageError
from gptchat.words import _

_TRUE = frozenset(("true", "yes", "on", "1"))
_FALSE = frozenset(("false", "no", "off", "0"))
_NOTHING = frozenset(("none", "null", "unset", "default"))

_FEW = 12
"""The most names that a hint lists."""

_LARGEST = 2**63
"""All settings are smaller; "not a number" and the infinities are not smaller than it."""

SECRET_FIELDS = frozenset(("api_key", "key", "app_key", "token", "secret", "password"))
"""Names under which users try to set an API key, which is not a setting."""

_OTHER_NAMES = {
    "reasoning_effort": "effort",
    **dict.fromkeys(("thinking_budget", "budget_tokens", "thinking_level"), "effort"),
    **dict.fromkeys(("enable_thinking", "thinking_mode", "chat_template_kwargs", "reasoning"), "thinking"),
    "max_completion_tokens": "max_tokens",
    "max_output_tokens": "max_tokens",
    "language": "ui.lang",
    "timeout": "network.idle_timeout",
    "system_prompt": "system",
    "org": "organization",
    "org_id": "organization",
    "window": "context",
    "url": "base_url",
    "address": "base_url",
    "api_base": "base_url",
    "api_type": "kind",
    "type": "kind",
}
"""What others call our settings."""


def check(setting: Setting, value: object) -> Any:
    """`value` as the setting holds it (whole numbers become numbers, lists tuples); ValueError where it is wrong.

    The error's text is what the setting takes, in the language in use, ready for a sentence.
    """
    if value is None:
        return setting.default
    checked = _typed(setting, value)
    outside = isinstance(checked, (int, float)) and (
        (setting.low is not None and checked < setting.low)
        or (setting.high is not None and checked > setting.high)
    )
    unknown = bool(setting.choices) and checked not in setting.choices and checked != setting.default
    if outside or unknown:
        raise ValueError(setting.meaning)
    return checked


def _typed(setting: Setting, value: object) -> Any:
    """`value` in the setting's type, its range not yet looked at."""
    kind = setting.type
    if kind == "text" and isinstance(value, str):
        return value
    if kind == "flag" and isinstance(value, bool):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if kind == "integer" and abs(value) < _LARGEST and int(value) == value:
            return int(value)
        if kind == "number" and abs(value) < _LARGEST:
            return float(value)
    if kind == "stop" and isinstance(value, str) and value:
        return value
    if kind in ("list", "stop") and isinstance(value, (list, tuple)):
        texts = tuple(item for item in value if isinstance(item, str) and item)
        if len(texts) == len(value):
            return texts
    if isinstance(value, Mapping):
        return _table(setting, value)
    raise ValueError(setting.meaning)


def _table(setting: Setting, value: Mapping[Any, Any]) -> dict[str, Any]:
    """A table with the entries the setting allows."""
    if setting.type == "object":
        return dict(value)
    if setting.type == "texts" and all(isinstance(item, str) for item in value.values()):
        return dict(value)
    if setting.type == "bias":
        numbers = {
            str(token): item
            for token, item in value.items()
            if str(token).isdigit() and type(item) in (int, float) and -100 <= item <= 100
        }
        if len(numbers) == len(value):
            return numbers
    raise ValueError(setting.meaning)


def checked(key: str, value: object) -> Any:
    """`value` as the setting `key` holds it. Raises UsageError naming the nearest key, or what the key takes."""
    setting = require(key)
    try:
        return check(setting, value)
    except ValueError as error:
        raise _refused(setting, error, show_value(value)[:60]) from None


def _refused(setting: Setting, meaning: ValueError, shown: str) -> UsageError:
    """The error for a value that the setting does not take; `meaning` is what it takes."""
    return UsageError(
        _("{key} is {meaning}, not {value}").format(key=setting.key, meaning=meaning, value=shown),
        hint=setting.summary,
    )


def parse_value(setting: Setting, text: str) -> Any:
    """The value that a person means by `text`: "0.2", "true", "none" (not set), "a, b", JSON for tables.

    Raises ValueError as `check` does.
    """
    plain = text.strip()
    lower = plain.lower()
    if lower in _NOTHING and lower not in setting.choices:
        return setting.default
    if setting.choices:
        return check(setting, lower or None)
    if setting.type == "text":
        return plain
    if setting.type == "flag":
        return check(setting, lower in _TRUE if lower in _TRUE | _FALSE else plain)
    if setting.type in ("integer", "number"):
        return check(setting, _number(plain))
    return check(setting, _structure(setting, plain))


def _number(text: str) -> object:
    """`text` as a number if it is one ("0.2", "1_000", "1e3", "0,5"), else unchanged."""
    for reading in (text, text.replace(",", ".")):
        try:
            return int(reading)
        except ValueError:
            pass
        try:
            return float(reading)
        except ValueError:
            pass
    return text


def _structure(setting: Setting, text: str) -> object:
    """A list or table in JSON or TOML, or a list written as `a, b`; a stop text unchanged."""
    if text.startswith(("[", "{", '"')):
        for reading in (_json, _toml):
            try:
                return reading(text)
            except (ValueError, RecursionError):
                pass
        if setting.type != "stop":
            raise ValueError(setting.meaning)
    if setting.type == "stop":
        return text
    if setting.type == "list":
        return [item.strip() for item in text.split(",") if item.strip()]
    return text


def _json(text: str) -> object:
    import json

    return json.loads(text)


def _toml(text: str) -> object:
    import tomllib

    return tomllib.loads(f"value = {text}")["value"]


def parse_setting(key: str, text: str) -> Any:
    """The checked value of `/set KEY VALUE`. Raises UsageError naming the nearest key, or what the key takes."""
    setting = require(key)
    try:
        return parse_value(setting, text)
    except ValueError as error:
        raise _refused(setting, error, _quoted(text)) from None


def parse_assignment(text: str) -> tuple[str, Any]:
    """`KEY=VALUE` of `-o` as the key and its checked value. Raises UsageError."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise UsageError(
            _("{text} is not KEY=VALUE").format(text=_quoted(text)), hint=_("for example: -o temperature=0.2")
        )
    key = key.strip()
    if key.rpartition(".")[2] in SECRET_FIELDS:
        redaction.register(value.strip())
    return key, parse_setting(key, value)


def parse_variable(text: str) -> tuple[str, str]:
    """`KEY=VALUE` of `--var` as the name of a variable and its value. Raises UsageError."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip().isidentifier():
        raise UsageError(
            _("{text} is not KEY=VALUE").format(text=_quoted(text)), hint=_("for example: --var language=French")
        )
    return name.strip(), value


def require(key: str) -> Setting:
    """The setting of `key`. Raises UsageError with the nearest keys if it does not exist."""
    setting = schema.find(key)
    if setting is not None:
        return setting
    if key.rpartition(".")[2] in SECRET_FIELDS:
        raise UsageError(_("a key is not kept in the settings"), hint=_("give it with /key, or in its variable"))
    raise UsageError(_("unknown setting {key}").format(key=_quoted(key)), hint=suggestion(key))


def suggestion(key: str, known: Iterable[str] = ()) -> str:
    """A hint that names what was probably meant by an unknown key: "did you mean ui.theme?"."""
    found = nearest(key, known)
    if not found:
        return _("every setting stands in config.example.toml, and /set lists them")
    return _("did you mean {names}?").format(names=_(" or ").join(found))


def nearest(key: str, known: Iterable[str] = ()) -> list[str]:
    """The known keys most like `key`, best first, four at most; `known` are looked through before the schema."""
    import difflib

    last = key.lower().replace("-", "_").rsplit(".", 1)[-1]
    others = [_OTHER_NAMES[last]] if last in _OTHER_NAMES else []
    of_provider: list[str] = []
    group, _dot, _rest = key.partition(".")
    table, name, _field = schema.split(key)
    if table in schema.TABLES and name:
        pool = [f"{table}.{name}.{field}" for field in schema.TABLES[table]]
        others = [f"{table}.{name}.{other}" for other in others if other in schema.TABLES[table]]
    else:
        pool = list(schema.SETTINGS)
        of_provider = [field for field in (last, *others) if field in schema.TABLES["providers"]]
        others = [other for other in others if other in schema.SETTINGS]
    pool = [*known, *pool]
    same = [candidate for candidate in pool if candidate.rsplit(".", 1)[-1] == last]
    if not same:  # such as `base_url` at the top of the file
        others = others or [f"providers.NAME.{field}" for field in of_provider]
    close = difflib.get_close_matches(key.lower(), pool, 3, 0.7)
    ends = {candidate.rsplit(".", 1)[-1]: candidate for candidate in reversed(pool)}
    close += [ends[end] for end in difflib.get_close_matches(last, list(ends), 2, 0.75)]
    best = list(dict.fromkeys(others or [*same, *close]))
    begun = [candidate for candidate in pool if candidate.startswith((f"{group}.", last))]
    return (best or begun)[:4]


def complete_key(prefix: str, names: Mapping[str, Iterable[str]] | None = None) -> list[str]:
    """Keys that begin with `prefix`; `names` gives the names in use by table (`{"providers": ["work"]}`)."""
    dynamic = [
        f"{table}.{name}.{field}"
        for table, found in (names or {}).items()
        for name in found
        for field in schema.TABLES.get(table, ())
        if prefix.startswith(f"{table}.")
    ]
    return [key for key in (*schema.SETTINGS, *dynamic) if key.startswith(prefix)]


def complete_value(key: str, prefix: str = "") -> list[str]:
    """Values worth offering for `key`: its choices, true and false; those that begin with `prefix`."""
    setting = schema.find(key)
    if setting is None:
        return []
    offers = setting.choices or (("true", "false") if setting.type == "flag" else ())
    return [offer for offer in offers if offer.startswith(prefix.lower())]


def show_value(value: object) -> str:
    """A value as `/set` and `/config` show it and `parse_value` reads it again; "none" if nothing is set."""
    if value is None:
        return "none"
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    import json  # waits here, as above: most values are no JSON

    return json.dumps(value, ensure_ascii=False)


def _quoted(text: str) -> str:
    """The user's text in quotation marks, on one line and shortened."""
    line = redaction.redact(" ".join(text.split()))
    return f'"{line if len(line) <= 60 else line[:57] + "..."}"'


def unknown_name(table: Literal["providers", "presets"], name: str, known: Sequence[str]) -> ConfigurationError:
    """The error for an unknown provider or preset, with the nearest names."""
    import difflib

    from gptchat.config.key_text import key_as_name

    if (key := key_as_name(name)) is not None:
        return key
    likeness = 0.78 if table == "providers" else 0.6  # of fifty names one is always a little alike
    near = difflib.get_close_matches(name, known, 3, likeness)
    if table == "providers" and name:
        from gptchat import vendors

        if (gone := vendors.ended(name)) is not None:
            return ConfigurationError(
                _("{name} ended on {date}").format(name=gone.en, date=gone.date),
                hint=_("{name} took its place").format(name=gone.instead) if gone.instead else _providers_hint(),
            )
        near = list(dict.fromkeys([*near, *(one for one in vendors.nearest(name) if one in known)]))[:3]
        message = _("unknown provider {name}")
    elif table == "providers":
        message = _("no provider is chosen")
    else:
        message = _("unknown preset {name}")
    if table == "providers" and not name:
        hint = _("open gptchat in a terminal to choose, set a key such as OPENAI_API_KEY, or try --provider demo")
    elif near:
        hint = _("did you mean {names}?").format(names=_(" or ").join(near))
    elif len(known) > _FEW:
        hint = _("there are: {names}, ...; /provider lists all").format(names=_(", ").join(known[:_FEW]))
    elif known:
        hint = _("there are: {names}").format(names=_(", ").join(known))
    else:
        hint = _("add it to the settings file, as in {table}").format(table=f"[{table}.{name or 'NAME'}]")
    return ConfigurationError(message.format(name=name), hint=hint)


def _providers_hint() -> str:
    return _("/provider lists those there are")
