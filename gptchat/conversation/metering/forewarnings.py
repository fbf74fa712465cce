"""What a person should know before a turn begins: the end of a model, a spent budget, an unknown price."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gptchat.conversation.budget import Budget
from gptchat.conversation.events import Decision, Exchange, NotSent, Told
from gptchat.conversation.known_models import end_words, near_end
from gptchat.conversation.routing import Routing
from gptchat.manager import Route
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.config.settings import Settings


class Forewarnings:
    """Looks at the routes of a turn before it begins; each model is warned of once in a run."""

    def __init__(self, settings: Settings, routing: Routing, budget: Budget, *, unattended: bool) -> None:
        self._settings = settings
        self._routing = routing
        self._budget = budget
        self._unattended = unattended
        self._ending: set[str] = set()

    async def check(self, routes: Sequence[Route]) -> Exchange:
        """Yield what is to be told and decided; NotSent last if nothing may be sent.

        Raises QuotaError where the budget, or an unknown price within it, ends the matter.
        """
        facts = self._routing.facts(routes[0].model, routes[0].provider.name)
        if near_end(facts) and routes[0].model not in self._ending:
            self._ending.add(routes[0].model)
            yield Told(end_words(facts), "notice")
        if not self._routing.free(routes[0]) and (spent := await self._budget.check()):
            yield Told(spent, "notice")
        doubtful = self._budget.doubtful(routes)
        if not doubtful:
            return
        refusal = self._budget.unpriced([route.model for route in doubtful])
        budget = self._settings.budget
        if budget.unknown == "stop" or (self._unattended and budget.stop == "stop"):
            raise refusal
        if self._unattended:
            self._budget.accepted.update(map(_named, doubtful))  # it is told once
            yield Told(refusal.message, "notice")
            return
        question = _("{reason}; send it all the same?").format(reason=refusal.message)
        decision = Decision("unknown_price", question, (("y", _("yes")), ("n", _("no"))), "n", answer="n")
        yield decision
        if decision.answer != "y":
            yield NotSent()
            return
        self._budget.accepted.update(map(_named, doubtful))


def _named(route: Route) -> tuple[str, str]:
    return route.provider.name, route.model
