"""The settings of one provider, and of the network between: typed, frozen, free of secrets."""

# Annotations are not put off here: `setting.declared` reads the types themselves.

from collections.abc import Mapping
from typing import Any, Literal

from gptchat.config.setting import Setting, setting
from gptchat.values import dataclass, field
from gptchat.words import N_

Kind = Literal["openai", "azure", "compatible", "gptplus", "demo"]
Api = Literal["chat", "responses", "completions"]

DIRECT = frozenset(("none", "direct", "off"))
"""Values of `proxy`, in any case, that also disable the environment's proxy."""


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """`[providers.NAME]`: a named endpoint. Empty strings mean: not set."""

    name: str
    kind: Kind = field(
        metadata={"setting": Setting("", "text", "", N_("What sort of provider"), example="compatible")}
    )
    api: Api | Literal[""] = setting("", N_("The wire format; empty: what fits the model"), example="chat")
    base_url: str = setting(
        "",
        N_("Its address"),
        example="http://localhost:11434/v1",
        variable="OPENAI_BASE_URL",
        older=("OPENAI_API_BASE",),
        builtin="openai",
    )
    model: str = setting("", N_("The model used when none is named"), example="qwen3")
    endpoint: str = setting(
        "",
        N_("Azure: the resource's address"),
        example="https://example.openai.azure.com",
        variable="AZURE_OPENAI_ENDPOINT",
        older=("AZURE_OPENAI_API_BASE", "AZURE_OPENAI_BASE_URL", "AZURE_API_BASE"),
        builtin="azure",
    )
    api_version: str = setting(
        "",
        N_("Azure: the API's version; empty: the v1 endpoint"),
        example="2024-10-21",
        variable="OPENAI_API_VERSION",
        older=("AZURE_OPENAI_API_VERSION", "AZURE_API_VERSION"),
        builtin="azure",
    )
    deployment: str = setting(
        "",
        N_("Azure: the deployment used when none is named"),
        example="gpt-4o",
        variable="AZURE_OPENAI_DEPLOYMENT",
        older=("AZURE_OPENAI_DEPLOYMENT_NAME", "AZURE_OPENAI_CHAT_DEPLOYMENT_NAME", "OPENAI_DEPLOYMENT_NAME"),
        builtin="azure",
    )
    organization: str = setting(
        "",
        N_("OpenAI: the organization that pays"),
        example="org-example",
        variable="OPENAI_ORG_ID",
        older=("OPENAI_ORGANIZATION",),
        builtin="openai",
    )
    project: str = setting(
        "",
        N_("OpenAI: the project that pays"),
        example="proj_example",
        variable="OPENAI_PROJECT_ID",
        builtin="openai",
    )
    api_key_env: str = setting("", N_("The environment variable that holds the key"), example="WORK_API_KEY")
    api_key_command: str = setting("", N_("A command that prints the key"), example="pass show openai")
    api_key_file: str = setting(
        "",
        N_("A file that holds the key"),
        example="~/.openai/config",
        variable="OPENAI_API_KEY_PATH",
        builtin="openai",
    )
    key_optional: bool = setting(False, N_("Whether it answers without a key"), example=True)
    headers: Mapping[str, str] = setting({}, N_("Further HTTP headers"), example={"X-Title": "gptchat"})
    query: Mapping[str, str] = setting({}, N_("Further parameters of the address"), example={"tier": "a"})
    extra_body: Mapping[str, Any] = setting(
        {}, N_("Further keys of every request, as they are"), example={"top_k": 40}
    )
    encoding: str = setting("", N_("tiktoken's encoding for its models"), example="o200k_base")
    proxy: str = setting("", N_("A proxy for this provider alone"), example="socks5://127.0.0.1:1080")
    ca_file: str = setting("", N_("Certificates to trust for this provider"), example="~/company-ca.pem")
    client_cert: str = setting("", N_("A client certificate for this provider"), example="~/client.pem")
    app_id: str = setting(
        "", N_("GPT+: the application's id"), example="my-app", variable="GPTPLUS_APP_ID", builtin="gptplus"
    )
    """Its app_key is the provider's key."""

    @property
    def default_model(self) -> str:
        """The model used if the user names none; for Azure, the deployment if one is set."""
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

    proxy: str = setting("", N_("http, https or socks5; empty: the environment's"))
    ca_file: str = setting("", N_("Certificates to trust, such as a company's"))
    client_cert: str = setting("", N_("Your certificate with its key (PEM), where a server asks for one"))
    connect_timeout: float = setting(10.0, N_("Seconds to reach a server"), 0.1, 3600)
    idle_timeout: float = setting(120.0, N_("Seconds of silence within a reply before giving up"), 0.1, 86400)
    """Comment pings do not count as life."""
    max_retries: int = setting(3, N_("New tries before an error"), 0, 100)
    max_retry_wait: float = setting(60.0, N_("The longest wait, in seconds, a server may ask for"), 0, 86400)
    max_line: int = setting(
        8_000_000, N_("The longest line of a stream, in bytes: a guard against a broken server"), 1000
    )
    max_reply: int = setting(64_000_000, N_("The largest reply, in bytes: a guard against a broken server"), 1000)
