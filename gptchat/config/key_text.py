"""A key as people paste and store it: in quotes, after `export NAME=`, in JSON, in an ini file; made clean."""

from __future__ import annotations

import json
import re

from gptchat import redaction
from gptchat.errors import ConfigurationError, UsageError
from gptchat.words import _

_WRAPPING = "\"'`“”‘’«»"
_LABEL = r"""(?xi)^ (?:
        (?: export | setx? ) \s+ \w+ \s* [=\s] \s*      # export OPENAI_API_KEY=..., setx OPENAI_API_KEY ...
      | \$env: \w+ \s* = \s*                            # PowerShell
      | (?: \w+_ )? (?: api_? )? (?: key | token ) \s* [=:] \s*   # OPENAI_API_KEY=..., api_key: ...
      | (?: authorization \s* : \s* )? bearer \s+
    )"""
_PASTE_MARKS = r"\x1b\[20[01]~"
_INVISIBLE = r"[\s\u00a0\u200b-\u200f\u2028\u2029\u2060\ufeff]+"
_CREDENTIALS = ("app_key", "access_token")
_JSON_NAMES = ("api_key", "api", "key", "access_token", "accessToken", "token")


def clean_key(text: str) -> str:
    """The key in pasted text, without white space, quotes and prefixes such as `export OPENAI_API_KEY=`.

    The key is masked in everything shown from now on. Raises ConfigurationError for an empty one, and for a
    character that no key has (it could not be sent), naming its position.
    """
    key = re.sub(_PASTE_MARKS, "", text).strip().strip(_WRAPPING).strip()
    key = re.sub(_LABEL, "", key)
    key = re.sub(_INVISIBLE, "", key).rstrip(";,").strip(_WRAPPING)
    redaction.register(key)
    if not key:
        raise ConfigurationError(_("the key is empty"), hint=_("copy the whole key from the provider's page"))
    for position, character in enumerate(key, 1):
        if not "!" <= character <= "~":
            raise ConfigurationError(
                _("character {position} of the key, {character}, belongs to no key").format(
                    position=position, character=_named(character)
                ),
                hint=_("copy the key again from the provider's page"),
            )
    return key


def require_name(text: str) -> str:
    """`text`, which names something. Raises UsageError if it looks like a key, which is masked from now on."""
    if (refused := key_as_name(text)) is not None:
        raise UsageError(refused.message, hint=refused.hint)
    return text


def key_as_name(text: str) -> ConfigurationError | None:
    """The error for a key that was given as a name; None for a name. Such a key is masked from now on."""
    if not redaction.looks_like_key(text):
        return None
    redaction.register(text.strip())
    return ConfigurationError(
        _("that looks like a key, and names are shown and saved in plain text"),
        hint=_("choose another name; /key set is the place for a key, and hides it"),
    )


def _named(character: str) -> str:
    """A character for an error message: itself if it is visible, and its code point."""
    code = f"U+{ord(character):04X}"
    return _('"{character}" ({code})').format(character=character, code=code) if character.isprintable() else code


def key_in(text: str) -> str:
    """The key in the text of a file or in a command's output.

    Plain text (the first line that is no comment), JSON with `api_key`, `api`, `key` or a token, or the
    `[default] api_key` of an ini file. Raises ConfigurationError where there is none.
    """
    stripped = text.strip()
    if stripped.startswith("{"):
        return clean_key(_in_json(stripped))
    if re.search(r"(?m)^\s*(\[\w+\]|api_key\s*=)", stripped):
        return clean_key(_in_ini(stripped))
    lines = (line for line in stripped.splitlines() if line.strip() and not line.lstrip().startswith("#"))
    return clean_key(next(lines, ""))


def credentials_in(text: str) -> str:
    """The JSON object in `text`, which holds several credentials; their values are masked from now on.

    Empty if `text` is no JSON object with an application's key or a token.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    secrets = (
        [data[name] for name in _CREDENTIALS if isinstance(data.get(name), str)] if isinstance(data, dict) else []
    )
    for secret in secrets:
        redaction.register(secret)
    return json.dumps(data) if secrets else ""


def _in_json(text: str) -> str:
    """The key of a JSON object, by the names people give it."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise ConfigurationError(
            _("it begins like JSON but is not"),
            hint=_("write it as {example}").format(example='{"api_key": "..."}'),
        ) from None
    for name in _JSON_NAMES:
        value = data.get(name)
        if isinstance(value, str):
            return value
    raise ConfigurationError(
        _("its JSON has no key"), hint=_("name it {names}").format(names=_(" or ").join(_JSON_NAMES[:3]))
    )


def _in_ini(text: str) -> str:
    """`api_key` of the section `[default]`, or of a file without sections."""
    import configparser

    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text if re.match(r"\s*(#.*\s+)*\[", text) else f"[default]\n{text}")
    except configparser.Error:
        raise ConfigurationError(
            _("it is not an ini file"), hint=_("write it as {example}").format(example="[default] api_key = ...")
        ) from None
    found = parser.get("default", "api_key", fallback="")
    if not found:
        raise ConfigurationError(_("it has no api_key in [default]"), hint=_("add a line: api_key = ..."))
    return found
