"""The abilities of each kind of provider that are known before a provider is opened."""

from __future__ import annotations

from collections.abc import Mapping

from gptchat.core.ports import Abilities

ABILITIES: Mapping[str, Abilities] = {
    "openai": Abilities(movable=True, catalogued=True, complete_catalogue=True, moderates_freely=True),
    "azure": Abilities(
        login=True, key_header="api-key: ", wants_address=True, catalogued=True, moderates_freely=True
    ),
    "compatible": Abilities(wants_address=True, movable=True, lists_freely=True, may_serve_one=True),
    "gptplus": Abilities(streams=False),
    "demo": Abilities(network=False, lists_freely=True),
}
