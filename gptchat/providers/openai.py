"""The provider for OpenAI itself, or for the address in `OPENAI_BASE_URL`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from gptchat.providers.address import base_address
from gptchat.providers.engine import Engine
from gptchat.providers.sdk.options import sdk_options

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

ADDRESS = "https://api.openai.com/v1"


class OpenAIProvider(Engine):
    """The OpenAI API, with the SDK's environment variables for organisation, project and address."""

    @property
    def address(self) -> str:
        """The base URL from the settings, else `OPENAI_BASE_URL`, else OpenAI's. Raises ConfigurationError."""
        return base_address(self.settings.base_url or os.environ.get("OPENAI_BASE_URL") or ADDRESS)

    def connect(self, key: str, http: httpx2.AsyncClient) -> AsyncOpenAI:
        """The SDK's standard client."""
        from gptchat.providers.sdk.light import openai

        return openai.AsyncOpenAI(
            api_key=key or "none",
            base_url=self.address,
            organization=self.settings.organization or None,
            project=self.settings.project or None,
            **sdk_options(self, key, http, ambient=True),
        )

    def authorization(self, key: str) -> dict[str, Any]:
        """Leaves the header to the SDK, since `OPENAI_CUSTOM_HEADERS` may replace the key's authorisation."""
        return {} if key else super().authorization(key)
