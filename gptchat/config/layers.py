"""Layered settings: the highest layer that sets a key wins, and the origin of every value is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

from gptchat import redaction, vendors
from gptchat.config import schema
from gptchat.config.endpoints import ProviderSettings
from gptchat.config.environment import Environment
from gptchat.config.parse import checked, require, show_value, unknown_name
from gptchat.config.setting import Setting
from gptchat.errors import ConfigurationError, UsageError
from gptchat.values import dataclass, fields
from gptchat.words import _

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Group = TypeVar("Group", bound="DataclassInstance")

Layer = Literal["default", "file", "user", "environment", "session", "flag", "set"]
LAYERS: tuple[Layer, ...] = get_args(Layer)
"""From the weakest to the strongest: the settings file, the user's own, the environment, the session's, this run's
flags, this run's `/set`."""

Builtin = Callable[[str], ProviderSettings | None]
"""The settings of a provider that needs no table in the file, by its name; None for a name it does not know."""

_LENIENT: frozenset[Layer] = frozenset(("user", "session"))


def _nowhere(_key: str) -> str:
    """No detail about the origin."""
    return ""


@dataclass(frozen=True, slots=True)
class Provenance:
    """The origin of a value: its layer and, in `detail`, the file and line, the variable or the preset."""

    layer: Layer
    detail: str = ""
    preset: str = ""
    """The name of the preset that gives the value; empty if none does."""

    def __str__(self) -> str:
        name = {
            "default": _("default"),
            "file": _("settings file"),
            "user": _("the user's settings"),
            "environment": _("environment"),
            "session": _("the session's settings"),
            "flag": _("flag"),
            "set": _("/set"),
        }[self.layer]
        return _("{name} ({detail})").format(name=name, detail=self.detail) if self.detail else name

    @property
    def brief(self) -> str:
        """The same in a few words, for a table: of the settings file only the line."""
        if self.layer != "file":
            return str(self)
        line = self.detail.rpartition(":")[2]
        if not line.isdigit():
            return str(Provenance("file"))
        return _("settings file, line {n}").format(n=line)


@dataclass(frozen=True, slots=True)
class Item:
    """One line of `/config`: `shown` is the value as text, with secrets masked."""

    key: str
    value: Any
    source: Provenance
    shown: str
    summary: str


@dataclass(frozen=True, slots=True)
class _Stored:
    """One layer: its values in the order in which they were set, their origins, and the ignored keys."""

    values: dict[str, Any]
    detail: Callable[[str], str] = _nowhere
    ignored: tuple[str, ...] = ()


def no_builtin(_name: str) -> ProviderSettings | None:
    """No provider is built in."""
    return None


class Layers:
    """Typed values in layers. Keys are flat: `ui.theme`, `providers.work.endpoint`, `models.gpt-4.1.context`.

    `builtin` gives the settings of a provider that needs no table in the file, or None; `builtin_names`
    are the names it knows. `environ` is read once, here.
    """

    def __init__(
        self,
        builtin: Builtin = no_builtin,
        builtin_names: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._builtin = builtin
        self._builtin_names = tuple(builtin_names)
        self._layers: dict[Layer, _Stored] = {layer: _Stored({}) for layer in LAYERS[1:]}
        self._groups: dict[type, Any] = {}
        self.environment = Environment(environ or {})
        """What the environment says, beyond the values of its layer."""
        self._layers["environment"] = _Stored(self.environment.values, self.environment.origin)

    def replace_layer(
        self, layer: Layer, values: Mapping[str, Any], detail: Callable[[str], str] | str = ""
    ) -> None:
        """Make `values` the whole of a layer (another user, another session); nested tables become flat keys.

        `detail` says where a key came from. In the user's and the session's layer a key or value that makes no
        sense is left out and named in `ignored`; so is, in a session's, what is not about the conversation: a
        session that was imported from elsewhere must not redirect a key. Other layers raise UsageError, and
        ConfigurationError for a preset that does not exist.
        """
        sound: dict[str, Any] = {}
        ignored: list[str] = []
        for key, value in _flat(values):
            try:
                sound[key] = _checked(layer, key, value)
            except UsageError:
                if layer not in _LENIENT:
                    raise
                ignored.append(key)
        before = self._layers[layer]
        where = detail if callable(detail) else lambda _key: detail
        self._layers[layer] = _Stored(sound, where)
        if sound.get("preset"):
            try:
                self.preset(sound["preset"])
            except ConfigurationError as error:
                if layer not in _LENIENT:
                    self._layers[layer] = before
                    raise named(error, Provenance(layer, where("preset"))) from None
                ignored.append("preset")
                del sound["preset"]
        if "preset" in sound:
            sound = _place_preset(layer, sound)
        self._layers[layer] = _Stored(sound, where, tuple(ignored))
        self._groups = {}

    @property
    def ignored(self) -> list[str]:
        """Keys of the user's or the session's own settings that have no meaning here, or a wrong value."""
        return [key for layer in LAYERS[1:] for key in self._layers[layer].ignored]

    def set(self, layer: Layer, key: str, value: Any) -> None:
        """Set one value in a layer. Raises UsageError for an unknown key or a wrong value.

        Raises ConfigurationError for a preset that does not exist.

        Choosing another provider drops the layer's own model, which was meant for the provider before.
        """
        sound = _checked(layer, key, value)
        if key == "preset" and sound:
            self.preset(sound)
        values = self._layers[layer].values
        if key == "provider" and layer != "flag" and sound != self.get("provider"):
            values.pop("model", None)
        values.pop(key, None)  # the newest stands last: a preset chosen later goes before what was set earlier
        values[key] = sound
        self._groups = {}

    def unset(self, layer: Layer, key: str) -> bool:
        """Take one value out of a layer; whether there was one. Raises UsageError for an unknown key."""
        require(key)
        was_set = self._layers[layer].values.pop(key, self) is not self
        self._groups = {}
        return was_set

    def layer(self, layer: Layer) -> dict[str, Any]:
        """A copy of one layer's values, as the user's or the session's settings are saved."""
        return dict(self._layers[layer].values) if layer != "default" else {}

    def get(self, key: str) -> Any:
        """The value in force. Raises UsageError for an unknown key."""
        return self._find(key)[0]

    def source(self, key: str) -> Provenance:
        """The origin of the effective value. Raises UsageError for an unknown key."""
        return self._find(key)[1]()

    def group(self, group: type[Group]) -> Group:
        """The values in force of one of the schema's groups, frozen."""
        known = self._groups  # a change replaces it: what is read while another thread changes it is not kept
        if group not in known:
            prefix, _scope = schema.GROUPS[group]
            known[group] = group(**{entry.name: self.get(prefix + entry.name) for entry in fields(group)})
        found: Group = known[group]
        return found

    def _find(self, key: str) -> tuple[Any, Callable[[], Provenance]]:
        """The value in force and its source, which is only worked out when it is asked for."""
        value, source = self._find_set(key)
        if key == "provider":
            if not value and (found := self.suggested):
                name, where = found[0]
                return name, lambda: Provenance("environment", where)
            value = self.provider_name(value)
        elif key == "fallback":
            value = tuple(self.provider_name(name) for name in value)
        return value, source

    @cached_property
    def suggested(self) -> list[tuple[str, str]]:
        """The providers whose keys are at hand, the likeliest first, each with the variable or file of its key."""
        known = self._builtin_names
        return [found for found in self.environment.suggested() if not known or found[0] in known]

    def provider_name(self, typed: str) -> str:
        """The provider that `typed` means: a name of the user's own, or a name or alias of a built-in one.

        Returns `typed` itself where nothing is meant by it.
        """
        if not typed or typed in self._builtin_names or typed in self.names("providers"):
            return typed
        meant = vendors.named(typed)
        return meant.name if meant is not None and meant.name in self._builtin_names else typed

    def _find_set(self, key: str) -> tuple[Any, Callable[[], Provenance]]:
        """The value of the highest layer that sets the key, by itself or through a preset; else the default."""
        chosen, name = self._preset_in_force() if key in schema.TABLES["presets"] else (None, "")
        bundle = self._named_values("presets", name) if name else {}
        for layer in reversed(LAYERS[1:]):
            stored = self._layers[layer]
            for said in reversed(list(stored.values)) if layer == chosen else (key,):
                if said == key and key in stored.values:
                    return stored.values[key], lambda: Provenance(layer, stored.detail(key))  # noqa: B023 - returned at once
                if said == "preset" and key in bundle:
                    return bundle[key], lambda: Provenance(layer, _("preset {name}").format(name=name), name)  # noqa: B023 - same
        setting = require(key)
        return self._builtin_value(key, setting.default), lambda: Provenance("default")

    def _builtin_value(self, key: str, default: Any) -> Any:
        """The value a built-in provider brings along for `providers.NAME.FIELD`; else the default."""
        table, name, last = schema.split(key)
        known = self._builtin(name) if table == "providers" else None
        return getattr(known, last) if known is not None else default

    def items(self, *, everything: bool = True) -> Iterator[Item]:
        """The settings for `/config`, in the schema's order, then the tables; or only those that were set."""
        named = [key for key in self._all_keys() if key not in schema.SETTINGS]
        for key in (*schema.SETTINGS, *sorted(named)):
            value, find_source = self._find(key)
            source = find_source()
            if everything or source.layer != "default":
                setting = require(key)
                yield Item(key, value, source, _shown(setting, value), setting.summary)

    def shown(self, key: str) -> str:
        """The value in force as it may be shown: secrets masked. Raises UsageError for an unknown key."""
        return _shown(require(key), self.get(key))

    def preset(self, name: str) -> dict[str, Any]:
        """A preset's system prompt and parameters, by key. Raises ConfigurationError for an unknown name."""
        values = self._named_values("presets", name)
        if not values and name not in self.names("presets"):
            raise unknown_name("presets", name, self.names("presets"))
        return values

    def _preset_in_force(self) -> tuple[Layer | None, str]:
        """The highest layer that names a preset (an empty name: none), and the name."""
        for layer in reversed(LAYERS[1:]):
            if "preset" in self._layers[layer].values:
                return layer, str(self._layers[layer].values["preset"])
        return None, ""

    def _named_values(self, table: str, name: str) -> dict[str, Any]:
        """The fields of a named table that some layer sets."""
        keys = self._all_keys()
        places = {last: f"{table}.{name}.{last}" for last in schema.TABLES[table]}
        return {last: self.get(key) for last, key in places.items() if key in keys}

    def _all_keys(self) -> dict[str, None]:
        """Every key that some layer sets, once."""
        # Copies, since threads read settings too, while the loop may be changing one.
        return {key: None for layer in LAYERS[1:] for key in list(self._layers[layer].values)}

    def names(self, table: str) -> list[str]:
        """The names used in `[providers.NAME]`, `[presets.NAME]` or `[models.NAME]`, sorted."""
        parts = (schema.split(key) for key in self._all_keys())
        return sorted({name for first, name, _last in parts if first == table and name})


def named(error: ConfigurationError, source: Provenance) -> ConfigurationError:
    """The same error with the origin of the wrong value."""
    message = _("{problem}, from: {source}").format(problem=error.message, source=source)
    return ConfigurationError(message, hint=error.hint)


def _flat(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Flat keys and values; a table that is no value itself is opened (`{"ui": {"theme": "dark"}}`)."""
    for key, value in values.items():
        if isinstance(value, Mapping) and schema.find(key) is None:
            yield from _flat({f"{key}.{inner}": item for inner, item in value.items()})
        else:
            yield key, value


def _place_preset(layer: Layer, values: dict[str, Any]) -> dict[str, Any]:
    """Move a preset to its place among the values of its layer, because later values win.

    In the settings file a preset goes before the general values beside it; among flags, a single one before
    the preset. What was set one after the other keeps its order.
    """
    preset = values["preset"]
    others = {key: value for key, value in values.items() if key != "preset"}
    if layer == "file":
        return {**others, "preset": preset}
    return {"preset": preset, **others} if layer == "flag" else values


def _checked(layer: Layer, key: str, value: object) -> Any:
    """The value as the setting holds it. Raises UsageError for an unknown key or a wrong value."""
    setting = require(key)
    if layer == "session" and setting.scope != "chat":
        raise UsageError(_("{key} does not belong to a session").format(key=key), hint=setting.summary)
    if layer == "user" and setting.scope == "tool":
        raise UsageError(_("{key} belongs into the settings file").format(key=key), hint=setting.summary)
    return checked(key, value)


def _shown(setting: Setting, value: object) -> str:
    """A value as text; of a table of headers or query parameters only the names, for its values may be secrets."""
    if setting.type == "texts" and setting.scope in ("provider", "tool") and isinstance(value, Mapping):
        return ", ".join(f"{name} = {redaction.MASK}" for name in value)
    shown = show_value(value)
    return redaction.redact_command(shown) if setting.key.endswith("command") else redaction.redact(shown)
