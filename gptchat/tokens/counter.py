"""The counter of tokens: exact for OpenAI's encodings, an estimate that each reply corrects for all others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gptchat.core.messages import Content, Message
from gptchat.tokens import vocabulary
from gptchat.tokens.calibration import Calibration, Weights
from gptchat.tokens.estimate import Parts, estimate
from gptchat.tokens.images import image_tokens
from gptchat.tokens.names import ENCODINGS, ESTIMATE, counts_as_published, encoding_for
from gptchat.tokens.tools import call_text, tool_tokens

_SYMBOLS, _WIDE = f"{ESTIMATE}.symbols", f"{ESTIMATE}.wide"
_REMEMBERED = 50_000
"""How many texts' counts are kept in memory, beside those that messages carry."""
_NAME = 1
"""Tokens a `name` adds besides its own (OpenAI Cookbook)."""


class Counter:
    """Implements `core.ports.TokenCounter`.

    `encodings` says which encoding a model uses where its name does not (an Azure deployment); its keys are
    models, or providers for models given as `provider/model`. `calibration` is what an earlier `save` was
    given. `save` is called with all of it after each report, a JSON object by model.
    """

    def __init__(
        self,
        *,
        encodings: Mapping[str, str] | None = None,
        calibration: Mapping[str, object] | None = None,
        save: Callable[[Mapping[str, object]], None] | None = None,
    ) -> None:
        self._encodings = {
            name: code for name, code in (encodings or {}).items() if code in (*ENCODINGS, ESTIMATE)
        }
        self._aliases: dict[str, str] = {}
        self._kept: dict[str, object] = dict(calibration or {})
        self._save = save
        self._calibrations: dict[str, Calibration] = {}
        self._memory: dict[tuple[str, str], Parts] = {}
        self._observed: dict[str, dict[int, tuple[Content, int]]] = {}
        self._counting: dict[str, Callable[[Message], int]] = {}

    def alias(self, name: str, model: str) -> None:
        """The server says that the model `model` answers under `name` (an Azure deployment, an alias)."""
        if name != model and encoding_for(model) != ESTIMATE and self._aliases.get(name) != model:
            self._aliases[name] = model
            self._forget(name)

    def encoding(self, model: str) -> str:
        """The encoding under which counts for `model` are cached now; `estimate` until it is loaded."""
        wanted = self.wanted(model)
        return wanted if vocabulary.ready(wanted) else ESTIMATE

    def wanted(self, model: str) -> str:
        """The encoding that counts for `model` should use, loaded or not."""
        provider = model.partition("/")[0] if "/" in model else ""
        override = self._encodings.get(model) or self._encodings.get(provider)
        return override or encoding_for(self._aliases.get(model, model))

    def ready(self, model: str) -> bool:
        """Whether counts for `model` are as good as they get: no vocabulary is still to be loaded."""
        wanted = self.wanted(model)
        return wanted == ESTIMATE or vocabulary.ready(wanted)

    def load(self, model: str) -> bool:
        """Load what `model` is counted by (0.2 s once: call it in a thread). False where there is no file."""
        wanted = self.wanted(model)
        if wanted == ESTIMATE:
            return True
        loaded = vocabulary.load(wanted)
        self._counting.clear()
        return loaded

    def exact(self, model: str) -> bool:
        """Whether text is counted by the model's own encoding and format, or estimated (shown with `≈`)."""
        return self.encoding(model) != ESTIMATE and self._published(model)

    def count(self, text: str, model: str) -> int:
        """Tokens in `text`, without any share of the format. Takes any string whatever; never raises."""
        return _weigh(self._text(text, self.encoding(model)), self._weights(model))

    def message(self, message: Message, model: str) -> int:
        """Tokens of `message` in a request, its share of the format included; uses `message.tokens`."""
        return self.counting(model)(message)

    def counting(self, model: str) -> Callable[[Message], int]:
        """`message` for one model as a function of the message alone: what `core.context.plan` wants.

        It stays as it is while a vocabulary is loaded or a report learnt from, so that one plan is of one piece.
        """
        if model not in self._counting:
            self._counting[model] = self._make(model)
        return self._counting[model]

    def measure(self, message: Message, model: str) -> dict[str, int]:
        """What to keep in `Message.tokens`: the raw count of the text, by the name of what counted it.

        Raw counts hold for every model of the encoding: no share of the format, no images, no correction.
        """
        name = self.encoding(model)
        parts = self._raw(message, name)
        if name != ESTIMATE:
            return {name: parts.total}
        return {ESTIMATE: parts.total, _SYMBOLS: parts.symbols, _WIDE: parts.wide}

    def overhead(self, model: str) -> int:
        """Tokens that every request has besides its messages."""
        return round(self._weights(model).request)

    def tools(self, functions: Sequence[Mapping[str, Any]], model: str) -> int:
        """Tokens of the tools offered in a request (`{"type": "function", "function": {...}}` each)."""
        return tool_tokens(functions, lambda text: self.count(text, model), self.encoding(model))

    def learn(self, model: str, counted: int, reported: int, messages: Sequence[Message] = ()) -> None:
        """The server reported `reported` prompt tokens where `counted` had been counted (`ContextPlan.tokens`).

        `messages` are all that the request held, the system prompt and a summary as messages among them. With
        them the correction tells kinds of writing and the template apart, and the tokens of what was sent are
        known from then on; without, it is one ratio. A request with images or tools teaches nothing: pass none.
        """
        if counted <= 0 or not 0.1 <= reported / counted <= 10:
            return  # a server that reports nothing, or something else than the prompt
        if any(not isinstance(message.content, str) for message in messages):
            return
        calibration = self._calibration(model)
        if calibration.fixed or not messages:
            self._learn_whole(calibration, model, counted, reported, messages)
        else:
            self._learn_new(calibration, model, reported, messages)
        self._counting.pop(model, None)
        if self._save is not None:
            self._kept[model] = calibration.to_json()
            self._save(dict(self._kept))

    def _learn_whole(
        self, calibration: Calibration, model: str, counted: int, reported: int, messages: Sequence[Message]
    ) -> None:
        weights = calibration.weights
        if not messages:
            content = max(counted - weights.message - weights.request, 1.0) / weights.words
            calibration.learn((content, 0.0, 0.0, 1.0, 1.0), reported)
            return
        base = sum(map(self.counting(model), messages)) - len(messages) * weights.message
        calibration.learn((base, 0.0, 0.0, float(len(messages)), 1.0), reported)

    def _learn_new(self, calibration: Calibration, model: str, reported: int, messages: Sequence[Message]) -> None:
        """Learn from what this request had beyond what is known from earlier ones, and note what it came to."""
        observed = self._observed.setdefault(model, {})
        if len(observed) > _REMEMBERED:
            observed.clear()
        request = calibration.weights.request
        known = {
            id(m): seen[1] for m in messages if (seen := observed.get(id(m.content))) and seen[0] is m.content
        }
        rest = reported - sum(known.values()) - (request if known else 0.0)
        if known and (rest <= 0 or len(known) == len(messages)):
            known, rest = {}, float(reported)  # the server counts otherwise than before
        fresh = [message for message in messages if id(message) not in known]
        name = self.encoding(model)
        parts = [self._raw(message, name) for message in fresh]
        whole = _together(parts)
        calibration.learn((*map(float, whole), float(len(fresh)), 0.0 if known else 1.0), rest)

        weights = calibration.weights
        shares = [_weigh(part, weights) + weights.message for part in parts]
        rest -= 0.0 if known else round(weights.request)
        factor = min(max(rest / max(sum(shares), 1.0), 0.25), 4.0)
        sofar = 0.0
        for message, share in zip(fresh, shares, strict=True):
            before, sofar = round(sofar), sofar + share * factor
            observed[id(message.content)] = (message.content, round(sofar) - before)

    def _make(self, model: str) -> Callable[[Message], int]:
        name, weights, memory = self.encoding(model), self._weights(model), self._memory
        observed = self._observed.get(model, {})
        a, b, c, format_share, _ = weights
        plain = name != ESTIMATE and weights[:3] == (1.0, 1.0, 1.0)
        share = round(format_share)

        def slowly(message: Message) -> int:
            parts = self._raw(message, name)
            tokens = a * parts.words + b * parts.symbols + c * parts.wide + format_share
            if not isinstance(message.content, str):
                tokens += sum(
                    image_tokens(part, self._aliases.get(model, model)) for part in _images(message.content)
                )
            if isinstance(called := message.extra.get("name"), str):
                tokens += self._text(called, name).total + _NAME
            return int(tokens + 0.5)

        def exactly(message: Message) -> int:
            if message.extra or not isinstance(message.content, str):
                return slowly(message)
            cached = message.tokens.get(name)
            if cached is None:
                known = memory.get((name, message.content))
                return (known[0] if known else self._text(message.content, name)[0]) + share
            return cached + share

        def weighed(message: Message) -> int:
            seen = observed.get(id(message.content))
            if seen is not None and seen[0] is message.content:
                return seen[1]
            if message.extra or not isinstance(message.content, str):
                return slowly(message)
            words, symbols, wide = self._raw(message, name)
            return int(a * words + b * symbols + c * wide + format_share + 0.5)

        return exactly if plain else weighed

    def _raw(self, message: Message, name: str) -> Parts:
        """The raw count of a message's text (and the calls in it), from its cache if it has one."""
        cached = message.tokens.get(name)
        if cached is not None:
            if name != ESTIMATE:
                return Parts(cached, 0, 0)
            symbols, wide = message.tokens.get(_SYMBOLS, 0), message.tokens.get(_WIDE, 0)
            return Parts(max(cached - symbols - wide, 0), symbols, wide)
        content = message.content
        texts = [content] if isinstance(content, str) else _texts(content)
        if message.extra:
            texts.append(call_text(message.extra))
        counts = [self._text(text, name) for text in texts if text]
        return counts[0] if len(counts) == 1 else _together(counts)

    def _text(self, text: str, name: str) -> Parts:
        key = (name, text)
        known = self._memory.get(key)
        if known is None:
            known = estimate(text) if name == ESTIMATE else Parts(vocabulary.count(text, name), 0, 0)
            if len(self._memory) >= _REMEMBERED:
                self._memory.clear()
            self._memory[key] = known
        return known

    def _published(self, model: str) -> bool:
        """Whether OpenAI's rule for the format holds: an OpenAI model by name, alias or settings."""
        if self.wanted(model) == ESTIMATE:
            return False
        named = self._aliases.get(model, model)
        return counts_as_published(named) or encoding_for(named) == ESTIMATE

    def _weights(self, model: str) -> Weights:
        return self._calibration(model).weights

    def _calibration(self, model: str) -> Calibration:
        if model not in self._calibrations:
            self._calibrations[model] = Calibration.from_json(self._kept.get(model), fixed=self._published(model))
        return self._calibrations[model]

    def _forget(self, model: str) -> None:
        self._calibrations.pop(model, None)
        self._observed.pop(model, None)
        self._counting.pop(model, None)
        self._kept.pop(model, None)


def _together(parts: Sequence[Parts]) -> Parts:
    return Parts(sum(p.words for p in parts), sum(p.symbols for p in parts), sum(p.wide for p in parts))


def _weigh(parts: Parts, weights: Weights) -> int:
    return int(parts.words * weights.words + parts.symbols * weights.symbols + parts.wide * weights.wide + 0.5)


def _texts(content: Content) -> list[str]:
    return [part["text"] for part in content if not isinstance(part, str) and isinstance(part.get("text"), str)]


def _images(content: Content) -> list[Mapping[str, Any]]:
    return [part for part in content if not isinstance(part, str) and "image_url" in part]
