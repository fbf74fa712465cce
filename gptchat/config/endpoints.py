"""The settings of one provider, and of the network between: typed, frozen, free of secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["openai", "azure", "compatible", "gptplus", "demo"]
Api = Literal["chat", "responses", "completions"]

DIRECT = frozenset(("none", "direct", "off"))
"""What `proxy` says, in any case of letters, where the environment's proxy is not to be used either."""


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """`[providers.NAME]`: a named endpoint. Empty strings mean: not set."""

    name: str
    kind: Kind
    api: Api | Literal[""] = ""
    """The wire API; empty: what the catalogue says of the model, else chat."""
    model: str = ""
    """The model used when the person names none."""
    base_url: str = ""
    endpoint: str = ""
    """Azure: the resource's address."""
    api_version: str = ""
    """Azure: the classic API's version; empty: the v1 endpoint."""
    deployment: str = ""
    """Azure: the deployment used when the person names no model."""
    organization: str = ""
    project: str = ""
    api_key_env: str = ""
    api_key_command: str = ""
    api_key_file: str = ""
    key_optional: bool = False
    """Whether a request without a key makes sense (local servers)."""
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    """Further keys of every request's body, as they are."""
    encoding: str = ""
    """tiktoken's encoding for this provider's models, where it is known better than by name."""
    proxy: str = ""
    ca_file: str = ""
    app_id: str = ""
    """GPT+: the application's id; its app_key is the provider's key."""

    @property
    def default_model(self) -> str:
        """The model used when the person names none: at Azure the deployment, where one is named."""
        return (self.deployment if self.kind == "azure" else "") or self.model

    @property
    def keyless(self) -> bool:
        """Whether a request without a key makes sense: it is said so, or no place for a key is named.

        The latter for compatible servers alone: a table with an address and nothing else is a local one.
        """
        named = self.api_key_env or self.api_key_command or self.api_key_file
        return self.key_optional or self.kind == "demo" or (self.kind == "compatible" and not named)


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """`[network]`: how requests travel. Times are seconds, sizes bytes."""

    proxy: str = ""
    """A proxy for all providers; empty: the environment's."""
    ca_file: str = ""
    connect_timeout: float = 10.0
    idle_timeout: float = 120.0
    """The longest silence within a reply; comment pings do not count as life."""
    max_retries: int = 3
    max_retry_wait: float = 60.0
    """The longest Retry-After that is waited for."""
    max_line: int = 8_000_000
    max_reply: int = 64_000_000
