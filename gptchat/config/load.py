"""Reading `config.toml`: every fault is told with the file, the line and the nearest key."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gptchat import notices, redaction, words
from gptchat.config import schema
from gptchat.config.parse import SECRET_FIELDS, check, suggestion
from gptchat.config.private_files import cannot_write, decode, read_settings_file
from gptchat.config.setting import Setting
from gptchat.config.sources import RESERVED, SENSITIVE, is_reference
from gptchat.errors import ConfigurationError
from gptchat.files import UnfitFile
from gptchat.values import dataclass
from gptchat.words import _

Place = tuple[str, ...]
"""Where a value stands in the file: `("models", "gpt-4.1", "context")`."""


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A settings file that was read: its values by flat key (`ui.theme`, `providers.work.endpoint`)."""

    path: Path
    text: str
    values: Mapping[str, Any]
    places: Mapping[str, Place]

    def where(self, key: str) -> str:
        """`/home/ann/.config/gptchat/config.toml:3`, or without the line if it is not found."""
        place = self.places.get(key)
        line = line_of(self.text, place) if place else None
        return f"{self.path}:{line}" if line else str(self.path)


def load(path: Path, *, writing: bool = False) -> ConfigFile:
    """Read the settings file; without one, an empty result.

    What is no regular file of the person's own, or too large, is left out with a notice, and the defaults hold;
    before `writing` it is an error.
    Raises ConfigurationError for a file that cannot be read, is not TOML, has an unknown key or a wrong value.
    """
    try:
        data = read_settings_file(path)
    except FileNotFoundError:
        return ConfigFile(path, "", {}, {})
    except UnfitFile as error:
        if writing:
            raise cannot_write(path, error) from None
        notices.tell(
            _("{file} is left out: {reason}; the defaults hold").format(file=path, reason=words.reason(error))
        )
        return ConfigFile(path, "", {}, {})
    except OSError as error:
        raise ConfigurationError(
            _("cannot read {file}: {reason}").format(file=path, reason=words.reason(error)),
            hint=_("check that it is a file and that you may read it"),
        ) from None
    return parse(_decode(data, path), path)


def parse(text: str, path: Path) -> ConfigFile:
    """The settings in `text`; `path` is only named in errors. Raises ConfigurationError."""
    import tomllib

    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(str(error), text, path) from None
    except ValueError:  # what Python says of a number with thousands of digits
        raise ConfigurationError(_("{file}: a number has too many digits").format(file=path)) from None
    except RecursionError:
        raise ConfigurationError(_("{file}: too deeply nested").format(file=path)) from None
    _refuse_shared_names(document, text, path)
    values: dict[str, Any] = {}
    places: dict[str, Place] = {}
    for place, setting, value in _entries(document, text, path):
        if setting is None:
            raise _unknown(place, value, text, path)
        key = ".".join(place)
        try:
            values[key] = check(setting, value)
        except ValueError as error:
            raise ConfigurationError(
                _("{where}: {key} is {meaning}, not {value}").format(
                    where=_where(text, path, place), key=key, meaning=error, value=_shown(value)
                ),
                hint=_meant_table(key) if isinstance(value, dict) else setting.summary,
            ) from None
        places[key] = place
        if setting.type == "texts":
            _register_secrets(values[key])
    return ConfigFile(path, text, values, places)


def _entries(document: dict[str, Any], text: str, path: Path) -> Iterator[tuple[Place, Setting | None, object]]:
    """Every value of the document with its setting, or None if it is not a setting. Raises ConfigurationError."""
    groups = _groups()
    for first, value in document.items():
        if first in schema.TABLES:
            if first in groups and isinstance(value, dict):
                fixed = {name: entry for name, entry in value.items() if _is_fixed(first, name, entry)}
                for name, entry in fixed.items():
                    yield (first, name), schema.SETTINGS.get(f"{first}.{name}"), entry
                value = {name: table for name, table in value.items() if name not in fixed}
            for name, table in _named_tables(first, value, text, path):
                for last, entry in table.items():
                    yield (first, name, last), schema.TABLES[first].get(last), entry
        elif first in groups and isinstance(value, dict):
            for last, entry in value.items():
                yield (first, last), schema.SETTINGS.get(f"{first}.{last}"), entry
        else:
            yield (first,), schema.SETTINGS.get(first), value


def _is_fixed(group: str, name: str, entry: object) -> bool:
    """Whether an entry of a group that has both is one of its settings, and no named table."""
    return f"{group}.{name}" in schema.SETTINGS or not isinstance(entry, dict)


def _refuse_shared_names(document: Mapping[str, Any], text: str, path: Path) -> None:
    """Refuse a tool or server whose name means something else as well. Raises ConfigurationError."""
    tables = {first: document.get(first) for first in ("tools", "mcp")}
    tools, servers = (
        [name for name, entry in table.items() if isinstance(entry, dict)] if isinstance(table, dict) else []
        for table in tables.values()
    )
    settings = {key.partition(".")[2] for key in schema.SETTINGS if key.startswith("tools.")}
    for first, names, taken in (("tools", tools, RESERVED | settings), ("mcp", servers, RESERVED | set(tools))):
        for name in names:
            if name in taken:
                raise ConfigurationError(
                    _("{where}: {table} cannot have that name, which has another meaning").format(
                        where=_where(text, path, (first, name)), table=f"[{first}.{name}]"
                    ),
                    hint=_("choose another name, such as {name}").format(name=f"[{first}.my-{name}]"),
                )


def _groups() -> set[str]:
    """The tables of settings with fixed keys: context, ui, ..."""
    return {key.partition(".")[0] for key in schema.SETTINGS if "." in key}


def _named_tables(first: str, value: object, text: str, path: Path) -> list[tuple[str, dict[str, Any]]]:
    """The tables within `[providers]`, `[presets]`, `[models]`. Raises ConfigurationError for anything else."""
    tables: dict[str, Any] = value if isinstance(value, dict) else {"": value}
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise ConfigurationError(
                _("{where}: {table} holds tables only").format(
                    where=_where(text, path, (first, name) if name else (first,)), table=f"[{first}]"
                ),
                hint=_("begin one with a line such as {line}").format(line=f"[{first}.NAME]"),
            )
    return list(tables.items())


def _unknown(place: Place, value: object, text: str, path: Path) -> ConfigurationError:
    """The error for a key that is no setting, with the hint that fits what was probably meant."""
    key, last = ".".join(place), place[-1]
    message = _("{where}: unknown setting {key}").format(where=_where(text, path, place), key=key)
    if last in SECRET_FIELDS and isinstance(value, str):
        redaction.register(value)
        return ConfigurationError(
            _("{where}: keys are not kept in the settings file").format(where=_where(text, path, place)),
            hint=_("remove that line and use /key, or name a place: api_key_env, api_key_command, api_key_file"),
        )
    if place[0] == "models" and len(place) == 3 and isinstance(value, dict):
        name = f'[models."{place[1]}.{last}"]'
        return ConfigurationError(message, hint=_("a name with a dot is quoted: {name}").format(name=name))
    if len(place) == 1 and last in _groups():
        return ConfigurationError(message, hint=_("it is a table: begin it with {line}").format(line=f"[{last}]"))
    if len(place) > 1 and last in schema.SETTINGS and place[0] not in schema.TABLES:
        return ConfigurationError(
            message, hint=_("{key} stands at the top of the file, before the first [table]").format(key=last)
        )
    known = [*schema.TABLES, *sorted(_groups())] if len(place) == 1 else []
    return ConfigurationError(message, hint=suggestion(key, known))


def _meant_table(key: str) -> str:
    """The hint for `[provider]` or `[model.x]`, which should be a named table."""
    known = schema.find(key)
    if f"{key}s" in schema.TABLES:
        return _("a table of your own is written {line}").format(line=f"[{key}s.NAME]")
    return known.summary if known else ""


def _syntax_error(detail: str, text: str, path: Path) -> ConfigurationError:
    """tomllib's complaint with the line, and a hint for the faults that newcomers make."""
    found = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", detail)
    lines = text.splitlines() or [""]
    number = int(found.group(1)) if found and found.group(1) else len(lines)
    line = lines[min(number, len(lines)) - 1]
    if found:
        detail = detail[: found.start()]
    hint = _("TOML is written: name = value, texts in quotation marks")
    if re.search("overwrite|twice|immutable", detail):
        hint = _("the same key or table stands twice; keep one")
    elif "\\" in line and '"' in line:
        hint = _("a path with backslashes goes in single quotes: 'C:\\Users\\ann'")
    elif re.fullmatch(r"\s*[\w.\"-]+\s*=\s*(True|False|None|yes|no|on|off)\s*(#.*)?", line):
        hint = _("write true or false; leave the line out for nothing")
    elif re.fullmatch(r"\s*[\w.\"-]+\s*=\s*[^\"'\[{\s].*", line):
        hint = _("put the text in quotation marks")
    where = _("{file}, line {line}").format(file=path, line=number)
    return ConfigurationError(
        _("{where}: not valid TOML ({detail})").format(where=where, detail=detail.rstrip(".")), hint=hint
    )


def _decode(data: bytes, path: Path) -> str:
    """The file's text. Raises ConfigurationError."""
    try:
        return decode(data)
    except UnicodeDecodeError as error:
        if (text := _without_surrogates(data)) is not None:
            notices.tell(_("{file}: half characters in it are read as �").format(file=path))
            return text
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(
            _("{file}, line {line}: not UTF-8").format(file=path, line=line),
            hint=_("save the file as UTF-8 in your editor"),
        ) from None


def _without_surrogates(data: bytes) -> str | None:
    """UTF-8 in which lone surrogates, which some editors write, are U+FFFD; None if something else is wrong."""
    try:
        return data.decode("utf-8", "surrogatepass").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    except UnicodeDecodeError:
        return None


def line_of(text: str, place: Place) -> int | None:
    """The line number, from 1, of the value at `place`, or of the nearest enclosing table."""
    best: tuple[int, int] | None = None
    for number, at in _statements(text):
        depth = min(len(at), len(place))
        if depth and at[:depth] == place[:depth] and (best is None or depth > best[0]):
            best = depth, number
    return best[1] if best else None


def _statements(text: str) -> Iterator[tuple[int, Place]]:
    """Line number and full key of every header and assignment of a valid TOML text.

    A statement that goes over several lines (an array, a text in three quotes) ends where TOML can read it.
    """
    import tomllib

    table: Place = ()
    pending, begin = "", 0
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if not pending:
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            begin = number
        elif not any(mark in line for mark in ('"""', "'''", "]", "}")):
            pending += "\n" + line
            continue
        pending = f"{pending}\n{line}" if pending else line
        try:
            parsed = tomllib.loads(pending)
        except tomllib.TOMLDecodeError:
            continue
        if pending.lstrip().startswith("["):
            table = _keys(parsed, headers=True)
            yield begin, table
        else:
            yield begin, table + _keys(parsed, headers=False)
        pending = ""


def _keys(parsed: dict[str, Any], *, headers: bool) -> Place:
    """The key of one parsed statement: `a.b = 1` and `[a.b]` are both ("a", "b")."""
    keys: list[str] = []
    value: object = parsed
    while isinstance(value, dict) and len(value) == 1:
        name, value = next(iter(value.items()))
        keys.append(name)
        if headers and isinstance(value, list):
            break
    return tuple(keys)


def _where(text: str, path: Path, place: Place) -> str:
    line = line_of(text, place)
    if line is None:
        return str(path)
    return _("{file}, line {line}").format(file=path, line=line)


def _shown(value: object) -> str:
    """A wrong value as the error names it: short, and on one line."""
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, str):
        text = f'"{" ".join(value.split())}"'
    else:
        text = str(value)
    return redaction.redact(text if len(text) <= 60 else text[:57] + "...")


def _register_secrets(table: Mapping[str, str]) -> None:
    """Register secrets in headers and query parameters, so that they are masked everywhere."""
    for name, value in table.items():
        if re.search(SENSITIVE, name) and not is_reference(value):
            redaction.register(value.rpartition(" ")[2])
