"""Reading an OpenAPI document: by file or address, as JSON or YAML; references, servers and security."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urljoin, urlsplit

from gptchat.errors import ConfigurationError
from gptchat.files import read_regular
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.config.endpoints import NetworkSettings

MOST = 64_000_000
"""Bytes of a document; GitHub's has 12 million."""
_DEPTH = 12
_NESTING = 40
_NODES = 2_000


class Document:
    """A document in memory. `address` is where it was fetched, empty for a file."""

    def __init__(self, tree: Mapping[str, Any], address: str = "") -> None:
        self.tree, self.address = tree, address
        version = str(tree.get("openapi", ""))
        if not version.startswith("3."):
            older = str(tree.get("swagger", ""))
            raise ConfigurationError(
                _("it is not an OpenAPI 3 document ({version})").format(
                    version=f"swagger {older[:8]}" if older else version[:20] or "-"
                ),
                hint=_("name an OpenAPI 3.0 or 3.1 document, as JSON or YAML"),
            )

    def resolved(self, value: object) -> Mapping[str, Any]:
        """`value`, or what its `$ref` names; empty for a reference to another document or in a circle."""
        seen: set[str] = set()
        while isinstance(value, Mapping) and isinstance(there := value.get("$ref"), str):
            if there in seen or not there.startswith("#/"):
                return {}
            seen.add(there)
            value = self._at(there)
        return value if isinstance(value, Mapping) else {}

    def _at(self, pointer: str) -> object:
        """What a JSON Pointer names (RFC 6901); None if there is nothing."""
        value: object = self.tree
        for part in pointer[2:].split("/"):
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(value, Mapping):
                value = value.get(name)
            elif isinstance(value, list) and name.isdigit() and int(name) < len(value):
                value = value[int(name)]
            else:
                return None
        return value

    def schema(self, value: object) -> dict[str, Any]:
        """A schema with its references put in; one that holds itself, or is too large, is cut to any value."""
        found = self._inlined(value, (), [_NODES], 0)
        return found if isinstance(found, dict) else {}

    def _inlined(self, value: object, open_refs: tuple[str, ...], left: list[int], depth: int) -> Any:
        left[0] -= 1  # YAML's aliases can make a few lines stand for gigabytes
        if left[0] < 0 or len(open_refs) > _DEPTH or depth > _NESTING:
            return {}
        if isinstance(value, list):
            return [self._inlined(one, open_refs, left, depth + 1) for one in value]
        if not isinstance(value, Mapping):
            return value
        if isinstance(there := value.get("$ref"), str):
            if there in open_refs or not there.startswith("#/"):
                return {}
            beside = {key: one for key, one in value.items() if key != "$ref"}
            inner = self._inlined(self._at(there), (*open_refs, there), left, depth + 1)
            return {**inner, **beside} if isinstance(inner, dict) else {}
        copy: dict[str, Any] = {}
        for key, one in value.items():
            if key in ("example", "examples", "xml", "externalDocs", "discriminator") or str(key).startswith("x-"):
                continue
            if key == "properties" and isinstance(one, Mapping):
                copy[key] = {
                    str(name): self._inlined(part, open_refs, left, depth + 1)
                    for name, part in one.items()
                    if not _read_only(part)
                }
            else:
                copy[key] = self._inlined(one, open_refs, left, depth + 1)
        if copy.pop("nullable", False) and isinstance(copy.get("type"), str):
            copy["type"] = [copy["type"], "null"]
        return copy

    def server(self, of: Mapping[str, Any] | None = None) -> str:
        """The address of the first server of `of` (default: the document), with the defaults of its variables.

        Empty if it is not known: a relative one in a file.
        """
        servers = (self.tree if of is None else of).get("servers")
        first = servers[0] if isinstance(servers, list) and servers and isinstance(servers[0], Mapping) else {}
        if of is not None and not first:
            return ""
        url = str(first.get("url", "/"))
        variables = first.get("variables")
        for name, about in variables.items() if isinstance(variables, Mapping) else ():
            default = about.get("default", "") if isinstance(about, Mapping) else ""
            url = url.replace(f"{{{name}}}", str(default))
        whole = urljoin(self.address, url) if self.address else url
        return whole.rstrip("/") if urlsplit(whole).scheme in ("http", "https") else ""

    def operations(self) -> Iterator[tuple[str, str, Mapping[str, Any], Mapping[str, Any]]]:
        """Path, method in lower case, path item and operation, in the order of the document."""
        paths = self.tree.get("paths")
        for path, item in paths.items() if isinstance(paths, Mapping) else ():
            about = self.resolved(item)
            for method in ("get", "put", "post", "delete", "patch", "head", "options", "trace"):
                if isinstance(operation := about.get(method), Mapping):
                    yield str(path), method, about, operation

    @property
    def known_schemes(self) -> Mapping[str, Any]:
        """The security schemes that the document declares, by name."""
        return self.resolved(self.resolved(self.tree.get("components")).get("securitySchemes"))

    def schemes(self, operation: Mapping[str, Any]) -> list[list[Mapping[str, Any]]]:
        """The ways to be let in, the first first; each is a list of security schemes. Empty: anybody is."""
        wanted = operation.get("security", self.tree.get("security"))
        known = self.known_schemes
        listed = wanted if isinstance(wanted, list) else []
        return [[self.resolved(known.get(name)) for name in one] for one in listed if isinstance(one, Mapping)]


def _read_only(schema: object) -> bool:
    return isinstance(schema, Mapping) and schema.get("readOnly") is True


def read_document(source: str, folder: str, network: NetworkSettings) -> Document:
    """Read the document at `source`, a file or an http(s) address. Blocks. Raises GptchatError."""
    address = source if source.lower().startswith(("http://", "https://")) else ""
    if address:
        from gptchat.attachments.addresses import fetch

        data = fetch(address, network, limit=MOST, timeout=60.0).data
    else:
        path = Path(folder) / Path(source).expanduser()
        try:
            data = read_regular(path, MOST)
        except OSError as error:
            raise ConfigurationError(
                _("cannot read {file}: {reason}").format(file=path, reason=error.strerror or error),
                hint=_("check that it is a file and that you may read it"),
            ) from error
    return Document(_parsed(data), address)


def _parsed(data: bytes) -> Mapping[str, Any]:
    """The document as a tree. Raises ConfigurationError."""
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError):
        tree = _yaml(data)
    if not isinstance(tree, Mapping):
        raise ConfigurationError(
            _("it is neither JSON nor YAML of an OpenAPI document"), hint=_("name the document itself, not a page")
        )
    return tree


def _yaml(data: bytes) -> object:
    """The tree of a YAML text; only plain values. Raises ConfigurationError."""
    try:
        import yaml
    except ImportError:
        raise ConfigurationError(
            _("a document in YAML needs a parser"), hint="pip install 'gptchat[openapi]'"
        ) from None
    if b"<!doctype" in data[:200].lower():
        return None
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(data, Loader=loader)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigurationError(
            _("it is neither JSON nor YAML of an OpenAPI document"), hint=str(error).splitlines()[0][:200]
        ) from None
