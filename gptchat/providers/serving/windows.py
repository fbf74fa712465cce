"""Asks servers for the windows that their lists of models leave out, each server in its own way."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from gptchat.core.limits import LARGEST, SMALLEST
from gptchat.core.numbers import count
from gptchat.errors import GptchatError
from gptchat.providers.listing import is_owned_by, names_in

Call = Callable[[str, str, dict[str, Any] | None], Awaitable[Any]]
"""Sends a request: method, whole address, body. Returns the JSON of the answer. Raises GptchatError."""

_PATIENCE = 3.0
"""Seconds until what has not been told by then is left unknown."""
_MOST_SHOWN = 24
"""Models of an Ollama server that are each asked for."""


class Capacity(NamedTuple):
    """What a server tells of a model: its window, and the most tokens of a prompt and of a reply."""

    context: int | None = None
    max_input: int | None = None
    max_output: int | None = None


Capacities = dict[str, Capacity]
"""What was told, by the name of the model as the server lists it."""


Ask = Callable[[str, Call, Sequence[str]], Coroutine[Any, Any, Capacities]]
"""Asks the server at a root about the models that it listed."""


class _Way(NamedTuple):
    """How one kind of server tells windows, and what identifies it."""

    owner: str
    """Its `owned_by` in the list of models; empty if it has none of its own."""
    ask: Ask


async def windows(answer: Any, root: str, call: Call, *, every: bool) -> Capacities:
    """The windows that the server at `root` tells beside its list of models, the `answer` to `/models`.

    A server that names itself in the list is asked in its own way. One that does not is asked in every way if
    `every`: a way that a server does not have costs it one small request. Raises no GptchatError.
    """
    names = names_in(answer)
    ways = [way for way in _WAYS if way.owner and is_owned_by(answer, way.owner)] or (_WAYS if every else ())
    if not ways or not names:
        return {}
    tasks = [asyncio.create_task(way.ask(root, call, names)) for way in ways]
    try:
        await asyncio.wait(tasks, timeout=_PATIENCE)
        found: Capacities = {}
        for task in reversed(tasks):  # the first way has the last word
            if task.done():
                found.update(task.result())
        return found
    finally:
        for task in tasks:
            task.cancel()


def _at(*paths: str, read: Callable[[Any, Sequence[str]], Capacities]) -> Ask:
    """Asks at each of `paths` below the root until `read` finds a window in the answer."""

    async def ask(root: str, call: Call, names: Sequence[str]) -> Capacities:
        for path in paths:
            with suppress(GptchatError):  # the server may not offer this; its list is useful without it
                if found := read(await call("get", f"{root}{path}", None), names):
                    return found
        return {}

    return ask


async def _ollama(root: str, call: Call, names: Sequence[str]) -> Capacities:
    """Ollama's `/api/ps`: the windows of the loaded models, not the most that they can have (docs/api.md).

    `/api/show` tells the `num_ctx` that another model is configured with and has once it is loaded.
    """
    try:
        answer = await call("get", f"{root}/api/ps", None)
    except GptchatError:
        return {}
    if not isinstance(answer, dict) or "models" not in answer:
        return {}  # another server
    loaded = _loaded(answer, names)

    async def configured(name: str) -> Capacities:
        with suppress(GptchatError):
            told = await call("post", f"{root}/api/show", {"model": name})
            text = told.get("parameters") if isinstance(told, dict) else None
            match = re.search(r"^num_ctx\s+(\d{1,12})\s*$", text, re.MULTILINE) if isinstance(text, str) else None
            if match and (window := _window(int(match[1]))):
                return {name: Capacity(window)}
        return {}

    others = [name for name in names if name not in loaded]
    for one in await asyncio.gather(*map(configured, others[:_MOST_SHOWN])):
        loaded.update(one)
    return loaded


def _window(*values: Any) -> int | None:
    """The first of `values` that can be a window in tokens."""
    return next((known for value in values if SMALLEST <= (known := count(value)) <= LARGEST), None)


def _objects(answer: Any, *keys: str) -> Iterator[dict[str, Any]]:
    """The objects in the list that stands in `answer` under the first of `keys` that it has."""
    items = next((answer[key] for key in keys if key in answer), None) if isinstance(answer, dict) else answer
    return (item for item in items if isinstance(item, dict)) if isinstance(items, list) else iter(())


def _object(item: Any, key: str) -> Mapping[str, Any]:
    value = item.get(key) if isinstance(item, dict) else None
    return value if isinstance(value, dict) else {}


def _for_all(names: Sequence[str], told: Capacity) -> Capacities:
    return dict.fromkeys(names, told) if told.context else {}


def _llamacpp(answer: Any, names: Sequence[str]) -> Capacities:
    """llama.cpp's `/props`: the window of one conversation, a part of `--ctx-size` (its server README)."""
    settings = _object(answer, "default_generation_settings")
    own = answer.get("n_ctx") if isinstance(answer, dict) else None
    return _for_all(names, Capacity(_window(settings.get("n_ctx"), own)))


def _loaded(answer: Any, names: Sequence[str]) -> Capacities:
    found = {}
    for item in _objects(answer, "models"):
        if (window := _window(item.get("context_length"))) and isinstance(name := item.get("name"), str):
            found[name] = Capacity(window)
    return found


def _lmstudio(answer: Any, names: Sequence[str]) -> Capacities:
    """LM Studio's `/api/v0/models` and, since 0.4, `/api/v1/models` (lmstudio.ai/docs/developer/rest).

    A loaded model has the window that it was loaded with; of another one only the largest is known.
    """
    found = {}
    for item in _objects(answer, "data", "models"):
        instances = [_object(one, "config").get("context_length") for one in _objects(item, "loaded_instances")]
        window = _window(item.get("loaded_context_length"), *instances, item.get("max_context_length"))
        name = item.get("id", item.get("key"))
        if window and isinstance(name, str):
            found[name] = Capacity(window)
    return found


def _litellm(answer: Any, names: Sequence[str]) -> Capacities:
    """LiteLLM's `/model/info` (docs.litellm.ai/docs/proxy/model_management) and `/model_group/info`.

    Several deployments may have one name: any of them may answer, so the smallest window holds.
    """
    found: Capacities = {}
    for item in _objects(answer, "data"):
        name, facts = item.get("model_name", item.get("model_group")), _object(item, "model_info") or item
        window = _window(facts.get("max_input_tokens"))
        if not window or not isinstance(name, str):
            continue
        before = found.get(name)
        if before is None or window < (before.context or 0):
            found[name] = Capacity(window, max_output=count(facts.get("max_output_tokens")) or None)
    return found


def _koboldcpp(answer: Any, names: Sequence[str]) -> Capacities:
    """KoboldCpp's `/api/extra/true_max_context_length`: that of the loaded model, which is listed first."""
    value = answer.get("value") if isinstance(answer, dict) else answer
    return _for_all(names[:1], Capacity(_window(value)))


def _sglang(answer: Any, names: Sequence[str]) -> Capacities:
    """SGLang's `/get_server_info` and `/get_model_info`; its list tells `max_model_len` in newer versions.

    `max_total_num_tokens` is the size of the cache, which one request cannot exceed.
    """
    if not isinstance(answer, dict):
        return {}
    states = next(_objects(answer, "internal_states"), {})
    pool = _window(answer.get("max_total_num_tokens"), states.get("max_total_num_tokens"))
    window = _window(
        *map(answer.get, ("context_length", "context_len", "max_model_len", "max_context_length")),
        answer.get("max_req_input_len"),
        states.get("max_req_input_len"),
    )
    return _for_all(names, Capacity(min(window, pool) if window and pool else window))


def _tgi(answer: Any, names: Sequence[str]) -> Capacities:
    """text-generation-inference's `/info`: prompt and reply together, and the most of a prompt alone."""
    if not isinstance(answer, dict):
        return {}
    prompt = _window(answer.get("max_input_tokens"), answer.get("max_input_length"))
    return _for_all(names, Capacity(_window(answer.get("max_total_tokens")), max_input=prompt))


def _tabbyapi(answer: Any, names: Sequence[str]) -> Capacities:
    """TabbyAPI's `/v1/model`: the loaded model, beside which its list has all that could be loaded."""
    name = answer.get("id") if isinstance(answer, dict) else None
    window = _window(_object(answer, "parameters").get("max_seq_len"))
    return {name: Capacity(window)} if window and isinstance(name, str) else {}


_WAYS = (
    _Way("llamacpp", _at("/props", read=_llamacpp)),
    _Way("library", _ollama),
    _Way("organization_owner", _at("/api/v0/models", "/api/v1/models", read=_lmstudio)),
    _Way("koboldcpp", _at("/api/extra/true_max_context_length", read=_koboldcpp)),
    _Way("tabbyAPI", _at("/v1/model", read=_tabbyapi)),
    _Way("sglang", _at("/get_server_info", "/server_info", "/get_model_info", read=_sglang)),
    _Way("", _at("/model/info", "/v1/model/info", "/model_group/info", read=_litellm)),
    _Way("", _at("/info", read=_tgi)),
)
"""The most particular first."""
READERS = (_llamacpp, _loaded, _lmstudio, _litellm, _koboldcpp, _sglang, _tgi, _tabbyapi)
"""What reads the answers, each given an answer and the names of the listed models."""
