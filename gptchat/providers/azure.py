"""The Azure OpenAI provider: classic API (deployment and api-version) and v1 API, with a key or an Entra token."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

from gptchat.core.messages import Request
from gptchat.core.ports import ModelFacts
from gptchat.errors import AuthenticationError, ConfigurationError
from gptchat.providers.address import base_address, resource_address
from gptchat.providers.engine import Engine
from gptchat.providers.faults.refusals import shorten
from gptchat.providers.sdk.options import sdk_options
from gptchat.redaction import register
from gptchat.words import _

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI


_SCOPE = "https://cognitiveservices.azure.com/.default"
"""The OAuth scope of tokens: Azure's cognitive services, which include Azure OpenAI."""


def is_token(key: str) -> bool:
    """Whether `key` is an Entra ID token (a JWT: three dotted parts, the first an encoded JSON object)."""
    return key.startswith("eyJ") and key.count(".") == 2


def entra_token() -> str:
    """A token for Azure OpenAI from the machine's login (`az login`, a managed identity).

    Empty if azure-identity is not installed. Blocks. Raises AuthenticationError if no login works.
    """
    try:
        from azure.identity import DefaultAzureCredential
    except ImportError:
        return ""
    try:
        token = DefaultAzureCredential().get_token(_SCOPE).token
    except Exception as error:  # the library raises whatever its several ways of logging in raise
        raise AuthenticationError(
            _("no login for Azure was found: {why}").format(why=shorten(str(error))),
            hint=_("log in with `az login`, or give a key with /key set"),
        ) from error
    register(token)
    return str(token)


class AzureProvider(Engine):
    """Azure OpenAI at the setting `endpoint`: the classic API if `api_version` is set, else v1.

    The model of a request is the name of the deployment.
    """

    @property
    def version(self) -> str:
        """The version of the classic API, from settings, address or environment; empty for the v1 API."""
        settings = self.settings
        asked = parse_qs(urlsplit(self._endpoint).query).get("api-version", [""])[0]
        named = settings.api_version or asked or os.environ.get("OPENAI_API_VERSION", "")
        return "" if named.lower() in ("v1", "preview", "latest") else named

    @property
    def address(self) -> str:
        """The resource's address with the path of the API in use. Raises ConfigurationError if there is none."""
        root = self._endpoint.partition("/openai")[0].partition("?")[0].rstrip("/")
        return base_address(root, version="/openai" if self.version else "/openai/v1")

    @property
    def _endpoint(self) -> str:
        endpoint = self.settings.endpoint or self.settings.base_url or os.environ.get("AZURE_OPENAI_ENDPOINT", "")
        if not endpoint:
            raise ConfigurationError(
                _("the provider {who} has no endpoint").format(who=self.name),
                hint=_("/connect azure asks for it; or write the resource's address into AZURE_OPENAI_ENDPOINT"),
            )
        return resource_address(endpoint)

    def body(self, request: Request) -> tuple[str, dict[str, Any]]:
        """Like `Engine.body`; with the classic API the path also names deployment and version."""
        path, body = super().body(request)
        if self.version:
            path = f"/deployments/{quote(request.model, safe='')}{path}?api-version={quote(self.version)}"
        return path, body

    def connect(self, key: str, http: httpx2.AsyncClient) -> AsyncOpenAI:
        """The SDK's Azure client for the classic API, or its plain client for v1."""
        from gptchat.providers.sdk.light import openai

        options = sdk_options(self, key, http)
        if self.version:
            client: AsyncOpenAI = openai.AsyncAzureOpenAI(
                base_url=self.address,
                api_version=self.version,
                azure_ad_token=key if is_token(key) else None,
                api_key=None if is_token(key) else key or "none",
                **options,
            )
        else:
            client = openai.AsyncOpenAI(api_key=key or "none", base_url=self.address, **options)
        client.organization = client.project = None
        return client

    async def models(self) -> Sequence[ModelFacts]:
        """The resource's models, plus the deployment in the settings, as Azure's API lists no deployments."""
        listed = await super().models()
        own = self.settings.deployment
        if not own or any(one.name == own for one in listed):
            return listed
        return [ModelFacts(own, provider=self.name, source="settings"), *listed]

    async def key_now(self) -> str:
        """The key, or without one a token from `entra_token`. Raises ConfigurationError, AuthenticationError."""
        try:
            return await super().key_now()
        except ConfigurationError as missing:
            token = await asyncio.to_thread(entra_token)
            if not token:
                missing.hint += "; " + _("or install gptchat[azure] and log in with `az login`")
                raise
            return token

    def authorization(self, key: str) -> dict[str, Any]:
        """Sends a token as bearer token and a key in the header `api-key`."""
        if is_token(key) or not key:
            return super().authorization(key)
        from gptchat.providers.sdk.light import openai

        return {"api-key": key, "Authorization": openai.Omit()}
