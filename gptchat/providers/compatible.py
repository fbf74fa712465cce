"""Any server that speaks OpenAI's API: local ones, other clouds, gateways."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from gptchat.core.ports import Abilities, ModelFacts
from gptchat.errors import (
    ConfigurationError,
    ConnectionFailedError,
    GptchatError,
    RateLimitError,
    RequestTimeoutError,
    ServerError,
)
from gptchat.providers.address import base_address
from gptchat.providers.engine import Engine
from gptchat.providers.faults.failures import is_stale
from gptchat.providers.listing import is_owned_by, loaded_windows, models_in, window_in
from gptchat.providers.payloads import clean
from gptchat.providers.sdk import sdk_options
from gptchat.providers.tokenizing import BODIES, tokens_in
from gptchat.words import _

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI


_PASSING = (ConnectionFailedError, RequestTimeoutError, RateLimitError, ServerError)
"""Failures that say nothing of whether the server has what it was asked for."""


class CompatibleProvider(Engine):
    """An OpenAI-compatible server at `base_url`; nothing meant for OpenAI is told to it."""

    _tokenizer = ""
    """The kind of tokenizer the server said it has (a key of `BODIES`); empty where it has none, or is unknown."""
    _without_tokenizer = False
    """Whether the server refused to tokenize, in this run."""

    @property
    def address(self) -> str:
        """The settings' base address, forgiven."""
        if not self.settings.base_url:
            raise ConfigurationError(
                _("the provider {who} has no base_url").format(who=self.name),
                hint=_('write its address into the settings: base_url = "http://localhost:8080/v1"'),
            )
        return base_address(self.settings.base_url)

    def connect(self, key: str, http: httpx2.AsyncClient) -> AsyncOpenAI:
        """The SDK's client, without the environment's organisation and project."""
        from openai import AsyncOpenAI

        client = AsyncOpenAI(api_key=key or "none", base_url=self.address, **sdk_options(self, key, http))
        client.organization = self.settings.organization or None
        client.project = self.settings.project or None
        return client

    async def models(self) -> Sequence[ModelFacts]:
        """The models the server lists; llama.cpp and Ollama also tell the window they really run with."""
        answer = await self.listed()
        models = models_in(answer, self.name)
        root = self._root
        self._tokenizer = next((owner for owner in BODIES if is_owned_by(answer, owner)), "")
        try:
            if is_owned_by(answer, "llamacpp"):
                window = window_in(await self.get(f"{root}/props"))
                return [replace(one, context=window or one.context) for one in models]
            if is_owned_by(answer, "library"):  # what Ollama writes there
                windows = loaded_windows(await self.get(f"{root}/api/ps"))
                return [replace(one, context=windows.get(one.name, one.context)) for one in models]
        except GptchatError:  # a server may keep this to itself; the list is good without it
            pass
        return models

    @property
    def abilities(self) -> Abilities:
        """As the engine has them, with the tokenizer that some servers have."""
        return replace(super().abilities, tokenize=self.tokenize, counts_tokens=self.counts_tokens)

    @property
    def counts_tokens(self) -> bool:
        """Whether the server has a tokenizer: it has listed its models as llama.cpp or vLLM, and not refused."""
        return bool(self._tokenizer) and not self._without_tokenizer

    async def tokenize(self, texts: Sequence[str], model: str) -> list[int] | None:
        """The tokens of each of `texts` alone, by the server's own tokenizer; None where it tells none.

        A refusal is remembered for the run. Only a server that lists its models as llama.cpp or vLLM is asked;
        anybody else sees neither the request nor the texts.
        """
        if not self.counts_tokens:
            return None
        try:
            return await asyncio.gather(*(self._tokens(text, model) for text in texts))
        except _PASSING:
            return None
        except GptchatError:
            self._without_tokenizer = True
            return None

    async def _tokens(self, text: str, model: str) -> int:
        body = clean(BODIES[self._tokenizer](text, model))
        address = f"{self._root}/tokenize"
        try:
            return tokens_in(await self._json("post", address, body))
        except GptchatError as error:
            if not is_stale(error):
                raise
        # The server had dropped an idle connection, as servers do; that is no failure
        return tokens_in(await self._json("post", address, body))

    @property
    def _root(self) -> str:
        return self.address.removesuffix("/v1")
