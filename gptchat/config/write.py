"""Changes `config.toml` in place and keeps the user's comments, order and layout."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gptchat.config import schema
from gptchat.config.endpoints import ProviderSettings
from gptchat.config.load import load, parse
from gptchat.config.parse import checked, require
from gptchat.config.private_files import write_private

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

_HEADING = "The settings of gptchat. Every key is explained in config.example.toml."


def write_value(path: Path, key: str, value: Any) -> None:
    """Set one key of the file, or remove it if `value` is None. The file is created if it does not exist.

    Raises UsageError for an unknown key or a wrong value, ConfigurationError where the file as it is cannot be
    understood or cannot be written.
    """
    require(key)
    _write(path, {key: value if value is None else checked(key, value)})


def write_provider(path: Path, provider: ProviderSettings, *, make_default: bool = True) -> None:
    """Write `[providers.NAME]`: the fields that are set; others that stand there are left alone.

    `make_default` also makes it the provider that is used, and drops the file's `model` where another provider
    was used before: it was that one's. The key itself is never written here.
    Raises ConfigurationError where the file as it is cannot be understood or cannot be written.
    """
    changes = provider_values(provider)
    if make_default:
        before = load(path).values.get("provider") or provider.name
        if before != provider.name:
            changes["model"] = None
        changes["provider"] = provider.name
    _write(path, changes)


def write_table(path: Path, table: str, name: str, values: Mapping[str, Any]) -> None:
    """Write the fields `values` of `[table.name]`. Raises ConfigurationError and UsageError as `write_value`."""
    changes = {f"{table}.{name}.{field}": value for field, value in values.items()}
    _write(path, {key: checked(key, value) for key, value in changes.items()})


def remove_table(path: Path, table: str, name: str) -> None:
    """Remove `[table.name]` from the file. Raises ConfigurationError where it cannot be understood or written."""
    _write(path, {f"{table}.{name}.{field}": None for field in schema.TABLES[table]})


def provider_values(provider: ProviderSettings) -> dict[str, Any]:
    """The fields of a provider that are set, by key (`providers.work.endpoint`), as the settings file has them."""
    return {
        f"providers.{provider.name}.{name}": value
        for name, setting in schema.TABLES["providers"].items()
        if (value := getattr(provider, name)) != setting.default
    }


def _write(path: Path, changes: Mapping[str, Any]) -> None:
    """Make all changes in one step. The file is checked before and after: a broken one is never written."""
    import tomlkit

    text = load(path, writing=True).text
    document = tomlkit.parse(text)
    if not text.strip():
        document.add(tomlkit.comment(_HEADING))
        document.add(tomlkit.nl())
    for key, value in changes.items():
        _change(document, key, value)
    parse(tomlkit.dumps(document), path)
    write_private(path, tomlkit.dumps(document))


def _change(document: TOMLDocument, key: str, value: Any) -> None:
    """Set or remove one key of the document, with the tables it needs."""
    import tomlkit

    if key in schema.SETTINGS:
        place = key.split(".")
    else:
        place = list(schema.split(key))
    table: Any = document
    for name in place[:-1]:
        if name not in table:
            if value is None:
                return
            table[name] = _new_table(table, name, scalar=len(place) == 2)
        table = table[name]
    last = place[-1]
    if value is None:
        if last in table:
            del table[last]
            if not table and len(place) == 3 and place[0] in schema.TABLES:
                del document[place[0]][place[1]]
    elif isinstance(value, Mapping):
        inline = tomlkit.inline_table()
        inline.update(value)
        table[last] = inline
    else:
        table[last] = list(value) if isinstance(value, tuple) else value


def _new_table(parent: Any, name: str, *, scalar: bool) -> Any:
    """An empty table to stand in `parent`, in the form that fits there; `scalar`: it will hold a plain value."""
    import tomlkit
    from tomlkit.items import InlineTable

    if isinstance(parent, InlineTable):
        return tomlkit.inline_table()
    # A table that only holds tables needs no header of its own: [providers.work], not [providers].
    only = name in schema.TABLES and not scalar
    return tomlkit.table(is_super_table=only and isinstance(parent, tomlkit.TOMLDocument))
