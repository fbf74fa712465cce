"""The settings as the program asks for them: values in layers, and providers, presets, models made of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gptchat import vendors
from gptchat.config import schema
from gptchat.config.endpoints import NetworkSettings, ProviderSettings
from gptchat.config.environment import told
from gptchat.config.layers import LAYERS, Builtin, Item, Layer, Layers, Provenance, named, no_builtin
from gptchat.config.parse import parse_assignment, parse_variable, unknown_name
from gptchat.config.paths import Paths
from gptchat.config.sources import FileSettings, ServerSettings, ToolSettings, ToolSource
from gptchat.errors import ConfigurationError
from gptchat.values import replace
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.config.flags import Options

__all__ = ["LAYERS", "Item", "Layer", "Provenance", "Settings", "read_settings"]


class Settings(Layers):
    """Typed settings in layers. Code reads the frozen values of a group, which are made anew after a change.

    What a key is worth that a person typed is told by `get`, where a value came from by `source`.
    """

    folder = ""
    """The folder of the settings file; empty where there is none."""

    def use_options(self, options: Options, *, presets: bool = True) -> None:
        """Apply the options of the command line. Raises UsageError and ConfigurationError.

        A preset may be the user's own: without `presets` it waits until they are known.
        """
        given = {**options.values, **dict(parse_assignment(text) for text in options.settings)}
        values = dict(parse_variable(text) for text in options.variables)
        if options.piped:
            values.setdefault("input", options.piped)
        if values:
            given["vars"] = {**given.get("vars", {}), **values}
        if not presets:
            given.pop("preset", None)
        self.replace_layer("flag", given)

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

    def currency(self) -> tuple[str, float]:
        """The currency in which money is shown, and how much of it a US$ is; 0 if nobody said."""
        dollars = self.ui.currency.upper() in ("USD", "")
        return ("USD", 1.0) if dollars else (self.ui.currency, self.ui.currency_rate)

    @property
    def input(self) -> schema.InputSettings:
        """`[input]`."""
        return self.group(schema.InputSettings)

    @property
    def attach(self) -> schema.AttachSettings:
        """`[attach]`."""
        return self.group(schema.AttachSettings)

    @property
    def search(self) -> schema.SearchSettings:
        """`[search]`."""
        return self.group(schema.SearchSettings)

    @property
    def budget(self) -> schema.BudgetSettings:
        """`[budget]`."""
        return self.group(schema.BudgetSettings)

    @property
    def docs(self) -> schema.DocsSettings:
        """`[docs]`: which collection every message asks, and how much of it goes along."""
        return self.group(schema.DocsSettings)

    @property
    def tools(self) -> ToolSettings:
        """`[tools]`: which tools are offered, and when a person is asked."""
        return self.group(ToolSettings)

    def tool_sources(self) -> list[ToolSource]:
        """The tables `[tools.NAME]`, in the order of the file."""
        return [
            ToolSource(name, self._folder_of("tools", name), **self._named_values("tools", name))
            for name in self._in_order("tools")
        ]

    def mcp_servers(self) -> list[ServerSettings]:
        """The tables `[mcp.NAME]`, in the order of the file."""
        return [
            ServerSettings(name, self._folder_of("mcp", name), **self._named_values("mcp", name))
            for name in self._in_order("mcp")
        ]

    def mcp_files(self) -> list[str]:
        """Other programs' files of MCP servers, as absolute paths; `~` is not expanded."""
        from pathlib import Path  # few have any

        folder = self.folder if self.source("mcp_files").layer == "file" else ""
        files = self.group(FileSettings).mcp_files
        return [file if file.startswith("~") else str(Path(folder, file)) for file in files]

    def _in_order(self, table: str) -> list[str]:
        """The names of a table's tables, as they were written."""
        parts = (schema.split(key) for key in self._all_keys() if key not in schema.SETTINGS)
        return list(dict.fromkeys(name for first, name, _last in parts if first == table))

    def _folder_of(self, table: str, name: str) -> str:
        """Where a table's relative paths start: the settings file's folder; empty (the working one) for a flag."""
        begins = f"{table}.{name}."
        return self.folder if any(key.startswith(begins) for key in self._layers["file"].values) else ""

    @property
    def network(self) -> NetworkSettings:
        """`[network]`."""
        return self.group(NetworkSettings)

    @property
    def chosen(self) -> bool:
        """Whether somebody chose a provider, rather than a key at hand."""
        return bool(self._find_set("provider")[0])

    @property
    def rivals(self) -> list[tuple[str, str]]:
        """Where nobody is chosen and several keys are at hand: their providers, the one that answers first.

        Each is told with the variable or file of its key.
        """
        return self.suggested if not self.chosen and len(self.suggested) > 1 else []

    @property
    def undecided(self) -> bool:
        """Whether the person should be asked who answers: nobody is chosen, or the environment is ambiguous.

        It is if it has the keys of several providers and none is chosen, or names different servers for one.
        """
        if not self.chosen and len(self.suggested) != 1:
            return True
        try:
            self.provider()
        except ConfigurationError:
            return f"providers.{self.chat.provider}" in {
                key.rpartition(".")[0] for key in self.environment.conflicts
            }
        return False

    def provider_names(self) -> list[str]:
        """All known providers: the user's own, then the built-in ones."""
        own = self.names("providers")
        return own + [name for name in self._builtin_names if name not in own]

    def provider(self, name: str = "") -> ProviderSettings:
        """Settings of the provider `name` (empty: the current one): the built-in one, overridden by the user's.

        Raises ConfigurationError for a name that nobody knows, or a provider without a kind.
        """
        asked, name = name, self.provider_name(name) or self.chat.provider
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
        self._require_one_address(name, own)
        base = known or ProviderSettings(name=name, kind=kind)
        if known is not None and known.kind == kind == "compatible" and "api_key_env" not in own:
            base = replace(base, api_key_env=_key_for(known, own.get("base_url", "")))
        made = replace(base, **{**own, "name": name, "kind": kind})
        served = vendors.at(own.get("base_url", "")) if "model" not in own and "base_url" in own else None
        # OpenAI's variables often name somebody else's server, whose models are others.
        return replace(made, model=served.model) if served is not None and served.name != name else made

    def _require_one_address(self, name: str, own: Mapping[str, Any]) -> None:
        """Refuse an address on which the environment's variables differ, unless the settings name one.

        Raises ConfigurationError.
        """
        for field in ("base_url", "endpoint"):
            conflict = self.environment.conflicts.get(f"providers.{name}.{field}")
            if conflict is not None and not own.get(field):
                raise ConfigurationError(
                    _("the environment names different servers for {name}: {values}").format(
                        name=name, values=_(", ").join(told(conflict))
                    ),
                    hint=_("unset all but one, or write {field} into [providers.{name}]").format(
                        field=field, name=name
                    ),
                )

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
                return self.provider_name(str(name))
        return self.suggested[0][0] if self.suggested else ""

    def parameters(self) -> dict[str, Any]:
        """What travels in a request, by the chat API's names; only what somebody set."""
        values = {key: self.get(key) for key in schema.PARAMETERS}
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in values.items()
            if value is not None and (key, value) != ("thinking", "auto")
        }

    def preset_names(self) -> list[str]:
        """The presets of the settings, sorted."""
        return self.names("presets")

    def preset_layers(self, name: str) -> list[Layer]:
        """The layers that set a field of the preset `name`, the weakest first."""
        begins = f"presets.{name}."
        return [layer for layer in LAYERS[1:] if any(key.startswith(begins) for key in self._layers[layer].values)]

    def variables(self, *, given: bool = False) -> dict[str, str]:
        """The values for variables of presets and own commands; a higher layer goes before, name by name.

        `given`: only those of the command line.
        """
        values: dict[str, str] = {}
        for layer in ("flag",) if given else LAYERS[1:]:
            values |= self._layers[layer].values.get("vars", {})
        return values

    def template(self) -> str:
        """The preset whose text is the system prompt in force, if that has variables; else an empty string."""
        name = self.source("system").preset if "{" in self.chat.system else ""
        if not name:
            return ""
        from gptchat.core.typed.template import variables  # few prompts have any

        return name if variables(self.chat.system) else ""

    def model_facts(self, name: str) -> schema.ModelSettings:
        """The `[models."NAME"]` table of a model; fields that are not set are None."""
        return schema.ModelSettings(**self._named_values("models", name))


def _key_for(known: ProviderSettings, address: str) -> str:
    """The variable of a ready-made provider's key, if a server at `address` may have it; else empty.

    That is the vendor's own, or one on this machine. Elsewhere the person names the variable.
    """
    vendor = vendors.get(known.name)
    if not address or vendor is None or vendor.owns(address) or vendors.is_loopback(address):
        return known.api_key_env
    return ""


def read_settings(
    paths: Paths, environ: Mapping[str, str], *, builtin: Builtin = no_builtin, builtin_names: Sequence[str] = ()
) -> Settings:
    """The settings of the file and the environment; users, sessions and flags are added by `replace_layer`.

    Raises ConfigurationError for a file that cannot be read or understood.
    """
    from gptchat.config.load import load  # reads TOML: not needed where a program brings its own settings

    file = load(paths.config_file)
    settings = Settings(builtin, builtin_names, environ)
    settings.folder = str(paths.config_file.parent)
    settings.replace_layer("file", file.values, file.where)
    for key in file.values:
        if settings.environment.is_older(key):
            settings.unset("environment", key)
    own = {schema.split(key)[1]: file.where(key) for key in file.values if _describes(key, builtin_names)}
    if not settings.chosen and not settings.suggested and len(own) == 1:
        settings.set("file", "provider", next(iter(own)))  # there is nothing else that the person can have meant
    elif not settings.chosen:
        named = [(name, where) for name, where in own.items() if name in builtin_names]
        settings.suggested = [*named, *(found for found in settings.suggested if found[0] not in own)]
    return settings


def _describes(key: str, builtin_names: Sequence[str]) -> bool:
    """Whether a key of the file is about a provider of the person's own, or gives a ready-made one its key."""
    table, name, field = schema.split(key)
    return table == "providers" and (
        name not in builtin_names or field in ("api_key_env", "api_key_command", "api_key_file")
    )
