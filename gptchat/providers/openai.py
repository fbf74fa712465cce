"""OpenAI itself, or whatever `OPENAI_BASE_URL` names in its place."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from gptchat.providers.address import base_address
from gptchat.providers.engine import Engine
from gptchat.providers.sdk import sdk_options

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

ADDRESS = "https://api.openai.com/v1"


class OpenAIProvider(Engine):
    """The OpenAI API, with the SDK's own variables for organisation, project and address."""

    @property
    def address(self) -> str:
        """The settings' base address, else `OPENAI_BASE_URL`, else OpenAI's."""
        return base_address(self.settings.base_url or os.environ.get("OPENAI_BASE_URL") or ADDRESS)

    def connect(self, key: str, http: httpx2.AsyncClient) -> AsyncOpenAI:
        """The SDK's client."""
        from openai import AsyncOpenAI

        return AsyncOpenAI(
            api_key=key or "none",
            base_url=self.address,
            organization=self.settings.organization or None,
            project=self.settings.project or None,
            **sdk_options(self, key, http, ambient=True),
        )

    def authorization(self, key: str) -> dict[str, Any]:
        """As the SDK does it: `OPENAI_CUSTOM_HEADERS` may hold another authorisation than the key."""
        return {} if key else super().authorization(key)
