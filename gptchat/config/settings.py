"""The settings as the program asks for them: values in layers, and providers, presets, models made of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gptchat.config import schema
from gptchat.config.endpoints import NetworkSettings, ProviderSettings
from gptchat.config.layers import LAYERS, Builtin, Item, Layer, Layers, Provenance, named, no_builtin, unknown_name
from gptchat.config.paths import Paths
from gptchat.errors import ConfigurationError
from gptchat.values import replace
from gptchat.words import _

__all__ = ["LAYERS", "Item", "Layer", "Provenance", "Settings", "read_settings"]


class Settings(Layers):
    """Typed settings in layers. Code reads the frozen values of a group, which are made anew after a change.

    What a key is worth that a person typed is told by `get`, where a value came from by `source`.
    """

    @property
    def chat(self) -> schema.ChatSettings:
        """Who answers, and under which instructions; without a choice, the provider whose key is at hand."""
        return self.group(schema.ChatSettings)

    @property
    def context(self) -> schema.ContextSettings:
        """`[context]`."""
        return self.group(schema.ContextSettings)

    @property
    def ui(self) -> schema.UiSettings:
        """`[ui]`."""
        return self.group(schema.UiSettings)

    @property
    def input(self) -> schema.InputSettings:
        """`[input]`."""
        return self.group(schema.InputSettings)

    @property
    def attach(self) -> schema.AttachSettings:
        """`[attach]`."""
        return self.group(schema.AttachSettings)

    @property
    def budget(self) -> schema.BudgetSettings:
        """`[budget]`."""
        return self.group(schema.BudgetSettings)

    @property
    def network(self) -> NetworkSettings:
        """`[network]`."""
        return self.group(NetworkSettings)

    def provider_names(self) -> list[str]:
        """All known providers: the user's own, then the built-in ones."""
        own = self.names("providers")
        return own + [name for name in self._builtin_names if name not in own]

    def provider(self, name: str = "") -> ProviderSettings:
        """Settings of the provider `name` (empty: the current one): the built-in one, overridden by the user's.

        Raises ConfigurationError for a name that nobody knows, or a provider without a kind.
        """
        asked, name = name, name or self.chat.provider
        known = self._builtin(name) if name else None
        own = self._named_values("providers", name)
        if known is None and not own:
            error = unknown_name("providers", name, self.provider_names())
            raise error if asked or not name else named(error, self.source("provider"))
        kind: Any = own.get("kind") or (known.kind if known else "")
        if not kind:
            kind = "azure" if own.get("endpoint") else "compatible" if own.get("base_url") else ""
        if not kind:
            raise ConfigurationError(
                _("the provider {name} has neither a kind nor an address").format(name=name),
                hint=_("in [providers.{name}], set {fields}").format(name=name, fields="kind, base_url"),
            )
        base = known or ProviderSettings(name=name, kind=kind)
        return replace(base, **{**own, "name": name, "kind": kind})

    def own_providers(self) -> Iterator[ProviderSettings]:
        """The providers defined by the user. One without a kind is unusable and is omitted."""
        for name in self.names("providers"):
            try:
                yield self.provider(name)
            except ConfigurationError:
                continue

    def model(self) -> str:
        """The model in force: the one set for the provider in force, else that provider's own.

        A model set together with another provider (in the file, say, while a flag names the provider) was
        not meant for this one; it is used only where the provider has none of its own.
        """
        chosen, name = self.chat.model, self.chat.provider
        if chosen and self._provider_beside("model") in ("", name):
            return chosen
        try:
            provider = self.provider(name)
        except ConfigurationError:
            return chosen
        return provider.default_model or chosen

    def _provider_beside(self, key: str) -> str:
        """The provider in force for somebody who sees only the layers up to the one that sets `key`."""
        top = LAYERS.index(self.source(key).layer)
        for layer in reversed(LAYERS[1 : top + 1]):
            name = self._layers[layer].values.get("provider")
            if name:
                return str(name)
        return self._suggested[0]

    def parameters(self) -> dict[str, Any]:
        """What travels in a request, by the chat API's names; only what somebody set."""
        values = {key: self.get(key) for key in schema.PARAMETERS}
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in values.items()
            if value is not None
        }

    def preset_names(self) -> list[str]:
        """The presets of the settings, sorted."""
        return self.names("presets")

    def model_facts(self, name: str) -> schema.ModelSettings:
        """The `[models."NAME"]` table of a model; fields that are not set are None."""
        return schema.ModelSettings(**self._named_values("models", name))


def read_settings(
    paths: Paths, environ: Mapping[str, str], *, builtin: Builtin = no_builtin, builtin_names: Sequence[str] = ()
) -> Settings:
    """The settings of the file and the environment; users, sessions and flags are added by `replace_layer`.

    Raises ConfigurationError for a file that cannot be read or understood.
    """
    from gptchat.config.load import load  # reads TOML: not needed where a program brings its own settings

    file = load(paths.config_file)
    settings = Settings(builtin, builtin_names, environ)
    settings.replace_layer("file", file.values, file.where)
    own = [name for name in settings.names("providers") if name not in builtin_names]
    if len(own) == 1 and not settings.chat.provider:
        settings.set("file", "provider", own[0])  # there is nothing else that the person can have meant
    return settings
