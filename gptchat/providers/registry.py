"""The built-in providers as data, and `open_provider`, which creates a provider from settings."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from gptchat.config.endpoints import NetworkSettings, ProviderSettings
from gptchat.core.ports import Abilities
from gptchat.errors import ConfigurationError
from gptchat.providers.kinds import ABILITIES
from gptchat.values import dataclass
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.core.ports import Provider
    from gptchat.providers.faults.quirks import Learnt


_KINDS = {
    "openai": ("openai", "OpenAIProvider"),
    "azure": ("azure", "AzureProvider"),
    "compatible": ("compatible", "CompatibleProvider"),
    "gptplus": ("gptplus.provider", "GptPlusProvider"),
    "demo": ("demo.provider", "DemoProvider"),
}
"""Module and class of each kind, imported when a provider of the kind is opened."""


@dataclass(frozen=True, slots=True)
class ProviderSpec:
    """A built-in provider: a one-line summary for users, and its settings."""

    summary: str
    settings: ProviderSettings

    @property
    def name(self) -> str:
        """The name that `--provider` and `/provider` take."""
        return self.settings.name

    @property
    def kind(self) -> str:
        """The kind of the provider, a key of `_KINDS`."""
        return self.settings.kind


def _compatible(
    name: str, summary: str, base_url: str, key: str = "", model: str = "", **more: Any
) -> ProviderSpec:
    settings = ProviderSettings(name, "compatible", base_url=base_url, api_key_env=key, model=model, **more)
    return ProviderSpec(summary, settings)


def specs() -> tuple[ProviderSpec, ...]:
    """All built-in providers in display order, with summaries in the current language."""
    return (
        ProviderSpec(
            _("OpenAI"),
            ProviderSettings("openai", "openai", api_key_env="OPENAI_API_KEY", model="gpt-6.1-terra"),
        ),
        ProviderSpec(
            _("Azure OpenAI: your resource's endpoint and deployment"),
            ProviderSettings("azure", "azure", api_key_env="AZURE_OPENAI_API_KEY"),
        ),
        ProviderSpec(
            _("GPT+ open platform: app_id and app_key"),
            ProviderSettings("gptplus", "gptplus", model="gpt-3.5-turbo"),
        ),
        ProviderSpec(
            _("an offline companion that needs no network and no key"),
            ProviderSettings("demo", "demo", model="demo", key_optional=True),
        ),
        _compatible(
            "ollama", _("Ollama on this machine"), "http://localhost:11434/v1", "OLLAMA_API_KEY", key_optional=True
        ),
        _compatible(
            "lmstudio",
            _("LM Studio on this machine"),
            "http://localhost:1234/v1",
            "LMSTUDIO_API_KEY",
            key_optional=True,
        ),
        _compatible(
            "llamacpp",
            _("llama.cpp's server on this machine"),
            "http://localhost:8080/v1",
            "LLAMA_API_KEY",
            key_optional=True,
        ),
        _compatible(
            "vllm", _("vLLM on this machine"), "http://localhost:8000/v1", "VLLM_API_KEY", key_optional=True
        ),
        _compatible("deepseek", _("DeepSeek"), "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY", "deepseek-chat"),
        _compatible(
            "qwen",
            _("Qwen by Alibaba Cloud (DashScope)"),
            "https://dashscope.aliyuncs.com/compatible-mode/v1",
            "DASHSCOPE_API_KEY",
            "qwen-plus-latest",
        ),
        _compatible(
            "moonshot", _("Moonshot (Kimi)"), "https://api.moonshot.cn/v1", "MOONSHOT_API_KEY", "kimi-k2.6"
        ),
        _compatible(
            "zhipu", _("Zhipu (GLM)"), "https://open.bigmodel.cn/api/paas/v4", "ZHIPUAI_API_KEY", "glm-5.3"
        ),
        _compatible(
            "openrouter",
            _("OpenRouter: many models behind one key"),
            "https://openrouter.ai/api/v1",
            "OPENROUTER_API_KEY",
        ),
        _compatible(
            "litellm", _("a LiteLLM proxy"), "http://localhost:4000/v1", "LITELLM_API_KEY", key_optional=True
        ),
        _compatible(
            "gemini",
            _("Google Gemini's compatible address"),
            "https://generativelanguage.googleapis.com/v1beta/openai",
            "GEMINI_API_KEY",
            "gemini-flash-latest",
        ),
        _compatible(
            "anthropic",
            _("Anthropic Claude's compatible address"),
            "https://api.anthropic.com/v1",
            "ANTHROPIC_API_KEY",
        ),
    )


def servers() -> list[str]:
    """The names of the built-in providers for OpenAI-compatible servers."""
    return [spec.name for spec in specs() if spec.kind == "compatible"]


def builtin(name: str) -> ProviderSettings | None:
    """The settings of the built-in provider `name`, or None if there is none."""
    return next((spec.settings for spec in specs() if spec.name == name), None)


def open_provider(
    settings: ProviderSettings,
    network: NetworkSettings,
    key: Callable[[], str] | str | None = None,
    *,
    learnt: Learnt | None = None,
    api_for: Callable[[str], str] | None = None,
    user_agent: str = "",
) -> Provider:
    """Create the provider that `settings` describe, without connecting or looking for a key.

    `key` may block: it is called in a thread for the first request, and again after a key was refused.
    `learnt` remembers what servers refuse. `api_for` returns the wire API of a model if the settings do not
    name one. Raises ConfigurationError for an unknown kind.
    """
    found = _KINDS.get(settings.kind)
    if found is None:
        raise ConfigurationError(
            _("the provider {who} is of an unknown kind, {kind}").format(who=settings.name, kind=settings.kind),
            hint=_("kind is one of: {kinds}").format(kinds=_(", ").join(_KINDS)),
        )
    module, class_name = found
    kind: Callable[..., Provider] = getattr(import_module(f"gptchat.providers.{module}"), class_name)
    if settings.kind == "demo":
        return kind(settings)
    if settings.kind == "gptplus":
        return kind(settings, network, key)
    return kind(settings, network, key, learnt=learnt, api_for=api_for, user_agent=user_agent)


def abilities(settings: ProviderSettings) -> Abilities:
    """The abilities of the kind of provider that `settings` describe, known without opening it."""
    return ABILITIES.get(settings.kind, Abilities())


def modules(settings: ProviderSettings) -> tuple[str, ...]:
    """The modules that the first request to a provider needs, to be imported while the user types."""
    own = (f"gptchat.providers.{_KINDS[settings.kind][0]}",) if settings.kind in _KINDS else ()
    if not abilities(settings).network:
        return own
    slow = ("httpx2", "httpcore2", "anyio._backends._asyncio", "pydantic", "openai", "openai.resources.chat")
    return (*slow, *own, "gptchat.providers.wire.chat")
