"""The provider for any server with OpenAI's API: local servers, other clouds, gateways."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gptchat import vendors
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
from gptchat.providers.listing import is_litellm, is_owned_by, joined, models_in
from gptchat.providers.payloads import clean
from gptchat.providers.sdk.options import sdk_options
from gptchat.providers.serving.windows import Capacity, windows
from gptchat.providers.tokenizing import BODIES, tokens_in
from gptchat.values import replace
from gptchat.words import _

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI


_PASSING = (ConnectionFailedError, RequestTimeoutError, RateLimitError, ServerError)
"""Temporary failures, which do not tell whether the server has a tokenizer."""


class CompatibleProvider(Engine):
    """An OpenAI-compatible server at the setting `base_url`; OpenAI's environment variables do not apply."""

    _tokenizer = ""
    """The kind of the server's tokenizer (a key of `BODIES`), from its list of models; empty if none is known."""
    _without_tokenizer = False
    """Whether the server refused to tokenize during this run."""

    @property
    def address(self) -> str:
        """The normalised `base_url` of the settings. Raises ConfigurationError if it is empty or invalid."""
        if not self.settings.base_url:
            raise ConfigurationError(
                _("the provider {who} has no base_url").format(who=self.name),
                hint=_('write its address into the settings: base_url = "http://localhost:8080/v1"'),
            )
        return base_address(self.settings.base_url)

    def connect(self, key: str, http: httpx2.AsyncClient) -> AsyncOpenAI:
        """The SDK's client, without organisation and project from the environment."""
        from gptchat.providers.sdk.light import openai

        client = openai.AsyncOpenAI(api_key=key or "none", base_url=self.address, **sdk_options(self, key, http))
        client.organization = self.settings.organization or None
        client.project = self.settings.project or None
        return client

    async def models(self) -> Sequence[ModelFacts]:
        """The models the server lists, with the windows that it tells elsewhere (`serving.windows`).

        LiteLLM's proxy tells windows, prices and abilities on a path of its own.
        """
        answer = await self.listed()
        self._tokenizer = next((owner for owner in BODIES if is_owned_by(answer, owner)), "")
        listed = models_in(answer, self.name)
        if is_litellm(answer):
            try:
                return joined(listed, await self.get(f"{self._root}/model/info"))
            except GptchatError:  # not for every key; the list is useful without it
                pass
        unknown = any(facts.context is None for facts in listed) and vendors.at(self.address) is None
        told = await windows(answer, self._root, self.call, every=unknown)
        return [_with(facts, told.get(facts.name)) for facts in listed]

    @property
    def abilities(self) -> Abilities:
        """Like `Engine.abilities`, plus the server's tokenizer, if it has one."""
        return replace(super().abilities, tokenize=self.tokenize, counts_tokens=self.counts_tokens)

    @property
    def counts_tokens(self) -> bool:
        """Whether the server has a tokenizer: `models` recognised llama.cpp or vLLM, and it has not refused."""
        return bool(self._tokenizer) and not self._without_tokenizer

    async def tokenize(self, texts: Sequence[str], model: str) -> list[int] | None:
        """The token count of each of `texts`, by the server's own tokenizer; None if it gives none.

        Only servers recognised as llama.cpp or vLLM by their list of models get the request and the texts.
        A refusal is remembered for the run.
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
            return tokens_in(await self.call("post", address, body))
        except GptchatError as error:
            if not is_stale(error):
                raise
        # The server had closed an idle connection, which is normal
        return tokens_in(await self.call("post", address, body))

    @property
    def _root(self) -> str:
        return self.address.removesuffix("/v1")


def _with(facts: ModelFacts, told: Capacity | None) -> ModelFacts:
    """`facts` with what the server told of the model beside its list."""
    if told is None:
        return facts
    return replace(
        facts,
        context=told.context,
        max_input=told.max_input or facts.max_input,
        max_output=told.max_output or facts.max_output,
    )
