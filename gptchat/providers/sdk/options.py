"""The common options of all SDK clients."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from gptchat.providers.address import query_in

if TYPE_CHECKING:
    import httpx2

    from gptchat.providers.engine import Engine


def sdk_options(engine: Engine, key: str, http: httpx2.AsyncClient, *, ambient: bool = False) -> dict[str, Any]:
    """Keyword arguments for the constructor of an SDK client of `engine`.

    With `ambient`, the SDK's environment variable `OPENAI_CUSTOM_HEADERS` applies. Servers other than OpenAI
    must not get these headers, as they may contain a credential.
    """
    from gptchat.providers.sdk.light import openai

    headers: dict[str, Any] = {}
    if not ambient:
        for line in os.environ.get("OPENAI_CUSTOM_HEADERS", "").split("\n"):
            name, colon, _value = line.partition(":")
            if colon and name.strip().lower() not in ("authorization", "api-key"):
                headers[name.strip()] = openai.Omit()
    if engine.user_agent:
        headers["User-Agent"] = engine.user_agent
    headers.update(engine.settings.headers)
    return {
        "http_client": http,
        "max_retries": 0,
        "default_headers": headers,
        "default_query": {**query_in(engine.settings.base_url), **engine.settings.query},
        "timeout": http.timeout,
    }
