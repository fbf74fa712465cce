"""Whether a call of a tool runs: by the settings, by what a person said in this session, or by asking them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gptchat.core.tooling.choice import fits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gptchat.config.settings import Settings
    from gptchat.core.tooling import Permission, ToolSpec


class Permissions:
    """Answers for one process; what is remembered beyond it is in the settings `tools.allow`, `ask` and `deny`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._always: set[tuple[str, str]] = set()
        """Sessions, and tools as they were described when the person allowed them."""

    def of(self, spec: ToolSpec, session: str) -> Permission:
        """What holds for a call of the tool in the session with this id.

        `tools.deny` and `tools.approve` come first, then `tools.ask`, `tools.allow`, then what the tool says.
        """
        tools = self._settings.tools
        if _named(tools.deny, spec) or tools.approve == "never":
            return "deny"
        if spec.always_asks:
            return "ask"
        if tools.approve == "always":
            return "allow"
        if _named(tools.ask, spec):
            return "allow" if (session, _described(spec)) in self._always else "ask"
        if _named(tools.allow, spec) or (session, _described(spec)) in self._always:
            return "allow"
        return spec.permission

    def always(self, spec: ToolSpec, session: str) -> None:
        """Allow the tool for the rest of this process in the session."""
        if not spec.always_asks:
            self._always.add((session, _described(spec)))


def _described(spec: ToolSpec) -> str:
    """What a person allows: a server that changes the tool afterwards is asked about again."""
    return repr((spec.key, spec.source, spec.description, spec.parameters, spec.effect))


def _named(names: Sequence[str], spec: ToolSpec) -> bool:
    return any(fits(name, spec) for name in names)
