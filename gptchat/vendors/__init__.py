"""The table of ready-made providers (`vendors.json`): addresses, keys, models, and the sources of these facts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

from gptchat.values import dataclass, field

__all__ = ["Ended", "Sureness", "Vendor", "at", "ended", "get", "named", "names", "nearest", "table"]

Sureness = Literal["vendor docs", "third party", "unverified"]
"""How sure a fact is: its maker's documentation says so, somebody else does, or nothing could be found."""

_SURENESS: tuple[Sureness, ...] = ("vendor docs", "third party", "unverified")
_LOCAL = re.compile(r"(?:.+\.)?localhost|127(?:\.\d+){3}|::1|0\.0\.0\.0")


@dataclass(frozen=True, slots=True)
class Vendor:
    """A ready-made provider. Empty texts and tuples: not known, or not needed."""

    name: str
    en: str
    """What it is, in English; `zh` in Chinese."""
    zh: str
    kind: str = "compatible"
    aliases: tuple[str, ...] = ()
    variant_of: str = ""
    """The provider with the same keys' variable that is meant where only the key is known."""
    local: bool = False
    """Whether it usually runs on the user's machine and needs no key."""
    base_url: str = ""
    hosts: tuple[str, ...] = ()
    """Further hosts, with their subdomains, that its keys belong to."""
    keys: tuple[str, ...] = ()
    """The environment variables that hold its key, the usual one first."""
    shared_keys: tuple[str, ...] = ()
    """Those of `keys` that people also set for other purposes: alone they choose no provider."""
    model: str = ""
    wires: tuple[str, ...] = ("chat",)
    thinking: Mapping[str, Any] = field(default_factory=dict)
    """How reasoning is asked for.

    `on` and `off` are merged into the body; `effort` is the dotted place of an effort, `efforts` are its values,
    `renamed` has the nearest of them for others; `budget` is the key of a limit in tokens; `field` is where the
    reasoning arrives; `default` is on, off, or depends on the model; `encrypted` says that the Responses API can
    be asked for encrypted reasoning.
    `send_back` is what the server wants back of its own replies: `when` is "always", "thinking" (while the model
    thinks) or "tool calls" (while it thinks, of the turns in which tools are called); `text` is the place of the
    text of reasoning (a field of the message, `<think>` for tags in the content, or "as it came"); `fields` go
    back as they came, and with `chunks` those in the content. Where another's reply called tools, `missing` stands
    for the text and `missing_call` is put beside the first call. A body with `preserved_by` wants the text of
    every reply.
    `models` has what differs for models whose name matches the pattern `match` (the first that does): an `off` of
    null for one that always thinks, `never` for one that does not.
    """
    fits: tuple[Mapping[str, Any], ...] = ()
    """What its models refuse: for those that fit the pattern `match`, the parameters `drop` are left out and
    `rename` gives others their names; with `thinking` true only where the model is asked to think, "default" where
    it is not asked not to. A `drop` may name fields that are always sent, such as `stream_options`."""
    oddities: tuple[str, ...] = ()
    docs: str = ""
    prices: str = ""
    checked: str = ""
    """The day its facts were checked (ISO 8601)."""
    sources: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """For `base_url`, `keys` and `model`: where the fact was read, and its `Sureness`."""

    @property
    def sure(self) -> Sureness:
        """How sure its address, key variables and model are: as sure as the least sure of them."""
        told = {source[1] for source in self.sources.values()}
        return next((sureness for sureness in reversed(_SURENESS) if sureness in told), "vendor docs")

    @property
    def spellings(self) -> Iterator[str]:
        """Every name it goes by."""
        yield from (self.name, *self.aliases, self.en, self.zh)

    def owns(self, address: str) -> bool:
        """Whether keys of this vendor belong to the host of `address`."""
        host = _host(address)
        own = {_host(self.base_url), *self.hosts} - {""}
        return any(host == one or host.endswith(f".{one}") for one in own)


@dataclass(frozen=True, slots=True)
class Ended:
    """A service that people still look for and that is gone: its end (ISO 8601), and what is there `instead`."""

    name: str
    en: str
    aliases: tuple[str, ...]
    hosts: tuple[str, ...]
    date: str
    instead: str
    source: tuple[str, ...]


def names() -> tuple[str, ...]:
    """The names of all vendors, in the order in which they are shown."""
    return tuple(_read()[0])


@cache
def table() -> Mapping[str, Vendor]:
    """Every vendor by its name, in the order in which they are shown."""
    return {name: one for name in names() if (one := get(name)) is not None}


@cache
def get(name: str) -> Vendor | None:
    """The vendor of exactly this name, or None. A start needs one of them: each is made when it is asked for."""
    import json

    entry = _read()[0].get(name)
    return Vendor(**_frozen(json.loads(entry))) if entry is not None else None


def named(text: str) -> Vendor | None:
    """The vendor that a person means by `text`, or None: a name, an alias or a Chinese name, in any spelling."""
    return get(text) or _by_spelling().get(_plain(text))


def at(address: str) -> Vendor | None:
    """The vendor whose server is at `address`, or None. Where two share a host, the path decides."""
    found = [one for one in table().values() if not one.local and one.owns(address)]
    exact = (one for one in found if address.rstrip("/").startswith(one.base_url.rstrip("/") or " "))
    longest = max(exact, key=lambda one: len(one.base_url), default=None)
    return longest or next(iter(found), None)


def ended(text: str) -> Ended | None:
    """The service that `text`, a name or an address, means, if it has ended; else None."""
    host, plain = _host(text), _plain(text)
    return next(
        (
            one
            for one in _ended()
            if host in one.hosts or plain in {_plain(name) for name in (one.name, one.en, *one.aliases)}
        ),
        None,
    )


def nearest(text: str) -> list[str]:
    """Up to three names that resemble `text`, the best first."""
    from difflib import get_close_matches

    close = get_close_matches(_plain(text), _by_spelling(), 6, 0.78)
    return list(dict.fromkeys(_by_spelling()[spelling].name for spelling in close))[:3]


def is_loopback(address: str) -> bool:
    """Whether `address` is on this machine."""
    return _LOCAL.fullmatch(_host(address)) is not None


def _plain(text: str) -> str:
    """A name without what people write differently: case, width, spaces, hyphens, dots and brackets."""
    import unicodedata

    return re.sub(r"[\s._\-‐-―·（）()、]+", "", unicodedata.normalize("NFKC", text).casefold())


def _host(address: str) -> str:
    from urllib.parse import urlsplit

    try:
        return (urlsplit(address if "://" in address else f"//{address}").hostname or "").rstrip(".")
    except ValueError:  # no address
        return ""


@cache
def _by_spelling() -> dict[str, Vendor]:
    """Vendors by every plain spelling. A name goes before another vendor's alias."""
    vendors = table().values()
    backwards = list(reversed(list(vendors)))
    parts = {
        _plain(part): one
        for one in backwards
        if not one.variant_of
        for title in (one.en, one.zh)
        for part in re.split(r"[(（：:]", title)
    }
    found = {_plain(spelling): one for one in backwards for spelling in one.spellings}
    return parts | found | {_plain(one.name): one for one in vendors}


@cache
def _read() -> tuple[dict[str, str], str]:
    """Each vendor's entry as JSON by its name, and the list of what ended.

    A start needs one entry of fifty: the file is cut where its layout says, and only what is needed is parsed.
    """
    text = Path(__file__).with_name("vendors.json").read_text(encoding="utf-8")
    vendors, _mark, gone = text.rpartition('\n ],\n "ended": ')
    entries = (entry.rstrip(",\n") for entry in vendors.split("\n  {\n")[1:])
    return {entry.split('"', 4)[3]: "{" + entry for entry in entries}, gone.rstrip().removesuffix("}")


def _ended() -> list[Ended]:
    import json

    return [Ended(**_frozen(entry)) for entry in json.loads(_read()[1])]


def _frozen(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
