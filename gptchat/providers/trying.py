"""Tries a provider before it is chosen: whether it answers and takes its key, with requests that cost nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gptchat.core.messages import Request
from gptchat.errors import (
    AuthenticationError,
    BadRequestError,
    ConnectionFailedError,
    GptchatError,
    NotFoundError,
    PermissionDeniedError,
    QuotaError,
    RequestTimeoutError,
)
from gptchat.providers.compatible import CompatibleProvider
from gptchat.providers.engine import Engine
from gptchat.providers.gptplus.provider import GptPlusProvider
from gptchat.providers.listing import models_in
from gptchat.providers.probing import reach

if TYPE_CHECKING:
    from gptchat.core.ports import Provider

_FAILED = (AuthenticationError, PermissionDeniedError, QuotaError, ConnectionFailedError, RequestTimeoutError)
"""Failures of a request without a message that would also be those of a message."""


async def attempt(provider: Provider, model: str) -> list[str]:
    """The names of the models that a provider lists, once it is known to answer and to take its key.

    Empty if it has no list. `model` is the one that will be used, or empty. Raises GptchatError if a message would
    fail, too: nothing answers, the key is refused, or nothing is at the address.
    """
    if isinstance(provider, GptPlusProvider):
        await provider.log_in()
    unlisted: GptchatError | None = None
    names: list[str] = []
    try:
        # Of a server, its list alone: its windows are asked for once it is chosen.
        listed = provider.listed if isinstance(provider, CompatibleProvider) else None
        found = models_in(await listed(), provider.name) if listed else await provider.models()
        names = [facts.name for facts in found]
    except (NotFoundError, BadRequestError) as error:
        unlisted = error
    if isinstance(provider, Engine) and (
        unlisted or provider.settings.deployment or await _lists_to_all(provider)
    ):
        await _require_answer(provider, model or next(iter(names), ""), unlisted)
    return names


async def _lists_to_all(provider: Engine) -> bool:
    """Whether the list of models says nothing about the key, because everybody gets it."""
    if not await provider.key_now():
        return False
    try:
        return (await reach(provider.address, provider.settings, provider.network)).status == 200
    except GptchatError:
        return False


async def _require_answer(provider: Engine, model: str, unlisted: GptchatError | None) -> None:
    """Send a request without messages: servers refuse it, but look at its key, address and deployment before.

    Raises GptchatError if one of these is wrong.
    """
    path, _body = provider.body(Request(model, ()))
    try:
        await provider.call("post", path, {"model": model} if model else {})
    except NotFoundError as error:
        if provider.settings.deployment:
            raise
        if unlisted is not None:
            raise unlisted from error
    except _FAILED:
        raise
    except GptchatError:
        return
