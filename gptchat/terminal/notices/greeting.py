"""The first lines of a chat: who is chatting, who answers, and what a person should know before they begin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gptchat.core.safe import clean_line
from gptchat.words import _

if TYPE_CHECKING:
    from gptchat.conversation.services import Services
    from gptchat.terminal.output.screen import Screen


def greet(services: Services, screen: Screen) -> None:
    """Print the banner, and below it what is not as usual in the settings."""
    settings, model = services.settings, services.routing.model()
    answers = f"{settings.chat.provider}/{model}".strip("/")
    if not settings.chosen:
        answers = _("{name} ({detail})").format(name=answers, detail=settings.source("provider").detail)
    parts = ["gptchat", services.manager.user, answers]
    if services.run.incognito:
        parts.append(_("incognito: nothing is saved"))
    parts.append(_("/help lists the commands"))
    screen.say(" · ".join(clean_line(part) for part in parts), "hint")
    if services.people.made:
        screen.say(_("{name} is new here; /users lists everybody").format(name=clean_line(parts[1])), "hint")
    if absent := services.paths.absent():
        screen.say(absent, "hint")
    screen.notices()
    for key in settings.ignored:
        screen.say(_("the setting {key} of yours makes no sense here and is left out").format(key=key), "hint")
    for warning in services.keys.exposed(services.routing.provider_settings()):
        screen.say(warning, "notice")
