"""What the environment's variables say about settings and keys, and the providers they suggest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from gptchat import vendors
from gptchat.config import schema
from gptchat.values import dataclass

SETTINGS_VARIABLES: Mapping[str, tuple[str, ...]] = {
    f"providers.{setting.builtin}.{setting.key}" if setting.builtin else setting.key: (
        setting.variable,
        *setting.older,
    )
    for setting in (*schema.SETTINGS.values(), *schema.TABLES["providers"].values())
    if setting.variable
}
"""Setting to variables, today's first, then those of older SDKs and guides. The SDK's own apply to the built-in
providers `openai` and `azure`."""

_ADDRESS, _ENDPOINT = "providers.openai.base_url", "providers.azure.endpoint"
_AZURE_TYPES = ("azure", "azure_ad", "azuread")


@dataclass(frozen=True, slots=True)
class Conflict:
    """Variables that name different servers for one setting: which of them is meant, nobody can tell."""

    setting: str
    values: Mapping[str, str]
    """Variable to address."""


class Environment:
    """The variables of `environ` that concern settings and keys, read once."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.is_azure = _is_azure(environ)
        """Whether OpenAI's variables describe an Azure resource, as SDK 0.x did with `OPENAI_API_TYPE=azure`."""
        self.conflicts: dict[str, Conflict] = {}
        """By the setting's key. Such a setting has no value from the environment."""
        self.values: dict[str, str] = {}
        self._origin: dict[str, str] = {}
        for key, variables in SETTINGS_VARIABLES.items():
            if self.is_azure:
                variables = {  # what describes OpenAI describes Azure
                    _ADDRESS: (),
                    _ENDPOINT: (*variables, *SETTINGS_VARIABLES[_ADDRESS]),
                }.get(key, variables)
            told = {name: value for name in variables if (value := environ.get(name, "").strip())}
            if (
                key in (_ADDRESS, _ENDPOINT)
                and len(told) > 1
                and len({_place(value) for value in told.values()}) > 1
            ):
                self.conflicts[key] = Conflict(key, told)
            elif told:
                self._origin[key], self.values[key] = next(iter(told.items()))

    def origin(self, key: str) -> str:
        """The variable that sets `key`; empty if none does."""
        return self._origin.get(key, "")

    def is_older(self, key: str) -> bool:
        """Whether only a variable of an older SDK or guide sets `key`: the settings file goes before it."""
        return key in self._origin and self._origin[key] != SETTINGS_VARIABLES[key][0]

    def suggested(self) -> list[tuple[str, str]]:
        """The providers whose keys are at hand, each with the variable or file that says so, the likeliest first.

        A variable that several providers read stands for the first of them. One that people also set for other
        purposes, or that is meant for a server of one's own, counts only where there is nothing else.
        """
        sure: list[tuple[str, str]] = []
        weak: list[tuple[str, str]] = []
        for vendor in vendors.table().values():
            if vendor.variant_of or (vendor.name == "azure" and not self._has_azure_endpoint()):
                continue
            for variable in key_variables(vendor, self._environ):
                if self._environ.get(variable, "").strip():
                    (weak if vendor.local or variable in vendor.shared_keys else sure).append(
                        (vendor.name, variable)
                    )
                    break
        if not sure and (path := openai_file(self._environ)):
            return [("openai", str(path))]
        return sure or weak

    def _has_azure_endpoint(self) -> bool:
        # Where OpenAI's variables are said to be Azure's, a missing endpoint is told, not passed over.
        return self.is_azure or _ENDPOINT in self.values or _ENDPOINT in self.conflicts


def key_variables(vendor: vendors.Vendor, environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """The variables that hold the key of a ready-made provider.

    OpenAI's own is Azure's where the environment says that OpenAI's variables describe Azure.
    """
    if environ is None or vendor.name not in ("openai", "azure") or not _is_azure(environ):
        return vendor.keys
    return () if vendor.name == "openai" else (*vendor.keys, *vendors.table()["openai"].keys)


def openai_file(environ: Mapping[str, str]) -> Path | None:
    """`~/.openai/config`, in which OpenAI's own tools look for a key; None if it does not exist."""
    home = environ.get("HOME") or environ.get("USERPROFILE")
    path = Path(home, ".openai", "config") if home else None
    return path if path is not None and path.is_file() else None


def _is_azure(environ: Mapping[str, str]) -> bool:
    sort = environ.get("OPENAI_API_TYPE", "").strip().lower()
    if sort:
        return sort in _AZURE_TYPES
    # Without the type, an address of the older variable at Azure says the same; the newer one is used with v1.
    newer, *older = SETTINGS_VARIABLES[_ADDRESS]
    if environ.get(newer, "").strip():
        return False
    told = filter(None, (environ.get(variable, "").strip() for variable in older))
    return any(vendors.table()["azure"].owns(address) for address in told)


def _place(address: str) -> str:
    """An address without what makes no other server of it: scheme, case, `/v1`, a slash at the end."""
    from urllib.parse import urlsplit

    parts = urlsplit(address if "://" in address else f"//{address}")
    return f"{parts.netloc.lower()}{parts.path.rstrip('/').removesuffix('/v1')}"


def told(conflict: Conflict) -> Iterator[str]:
    """The variables of a conflict as a person reads them: `OPENAI_BASE_URL=https://...`."""
    from gptchat.redaction import redact_address

    return (f"{name}={redact_address(value)}" for name, value in conflict.values.items())
