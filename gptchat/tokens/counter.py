"""The counter of tokens: exact for OpenAI's encodings, an estimate that each reply corrects for all others."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from gptchat.core.messages import Content, Message
from gptchat.core.replies.passages import PASSAGES, passages_of, passages_text
from gptchat.tokens import vocabulary
from gptchat.tokens.estimate import Parts, estimate, together
from gptchat.tokens.images import image_tokens
from gptchat.tokens.learning import LARGEST_REQUEST, Learning
from gptchat.tokens.names import ENCODINGS, ESTIMATE, counts_as_published, encoding_for
from gptchat.tokens.tools import call_text, tool_tokens

_SYMBOLS, _WIDE = f"{ESTIMATE}.symbols", f"{ESTIMATE}.wide"
_REMEMBERED = 50_000
"""How many texts' counts are kept in memory, beside those that messages carry."""
_EMPTY_LINE = 1
"""Tokens of the empty line between two messages of the person that are sent as one."""
_NAME = 1
"""Tokens a `name` adds besides its own (OpenAI Cookbook)."""


class Counter:
    """Implements `core.ports.TokenCounter`.

    Models are named as by `core.ports.counted_as`: what is learned of a model at one provider does not hold for a
    model of the same name at another one. `chosen` gives the encoding that the settings name for a provider and
    a model, else an empty string (an Azure deployment's name tells nothing). `calibration` is what an earlier
    `save` was given. `save` is called with all of it after each report, a JSON object by model.
    """

    def __init__(
        self,
        *,
        chosen: Callable[[str, str], str] = lambda _provider, _model: "",
        calibration: Mapping[str, object] | None = None,
        save: Callable[[Mapping[str, object]], None] | None = None,
    ) -> None:
        self._chosen = chosen
        self._aliases: dict[str, str] = {}
        self._kept: dict[str, object] = dict(calibration or {})
        self._save = save
        self._learnt: dict[str, Learning] = {}
        self._memory: dict[tuple[str, str], Parts] = {}

    def alias(self, name: str, model: str) -> None:
        """The server says that the model `model` answers under `name` (an Azure deployment, an alias)."""
        if encoding_for(model) == ESTIMATE or self._aliases.get(name) == model:
            return
        before = self.wanted(name), self._published(name)
        self._aliases[name] = model
        if before != (self.wanted(name), self._published(name)):
            self._learnt.pop(name, None)  # what was learnt of an estimate is not true of this encoding
            self._kept.pop(name, None)

    def encoding(self, model: str) -> str:
        """The encoding under which counts for `model` are cached now; `estimate` until it is loaded."""
        wanted = self.wanted(model)
        return wanted if vocabulary.ready(wanted) else ESTIMATE

    def wanted(self, model: str) -> str:
        """The encoding that counts for `model` should use, loaded or not."""
        provider, _slash, name = model.partition("/")
        chosen = self._chosen(provider, name)
        return chosen if chosen in (*ENCODINGS, ESTIMATE) else encoding_for(self._aliases.get(model, model))

    def ready(self, model: str) -> bool:
        """Whether counts for `model` are as good as they get: no vocabulary is still to be loaded."""
        wanted = self.wanted(model)
        return wanted == ESTIMATE or vocabulary.ready(wanted)

    def load(self, model: str) -> bool:
        """Load what `model` is counted by (0.2 s once: call it in a thread). False where there is no file."""
        wanted = self.wanted(model)
        if wanted == ESTIMATE:
            return True
        return vocabulary.load(wanted)

    def exact(self, model: str) -> bool:
        """Whether text is counted by the model's own encoding and format, or estimated (shown with `≈`).

        False also where a server's tokenizer counts the texts: what its template adds is inferred from reports.
        """
        return self.encoding(model) != ESTIMATE and self._published(model)

    def count(self, text: str, model: str) -> int:
        """Tokens in `text`, without any share of the format. Takes any string whatever; never raises."""
        learnt = self._learning(model)
        told = learnt.told.get(text)
        if told is not None:
            return told
        weighed = _weigh(self._text(text, self.encoding(model)), learnt.factors)
        return max(weighed, 1) if text else 0  # no text is nothing, whatever a server has reported

    def message(self, message: Message, model: str) -> int:
        """Tokens of `message` in a request, its share of the format included; uses `message.tokens`."""
        return self.counting(model)(message)

    def counting(self, model: str) -> Callable[[Message], int]:
        """`message` for one model as a function of the message alone: what `core.context.plan` wants.

        To be fetched anew for each plan: it does not follow a vocabulary that is loaded or a report learnt from.
        """
        name = self.encoding(model)
        learnt = self._learning(model)
        known, told = learnt.known, learnt.told
        (a, b, c), format_share = learnt.factors, learnt.message

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

        a_less_b, a_less_c, add = a - b, a - c, format_share + 0.5
        of_symbols, of_wide = (_SYMBOLS, _WIDE) if name == ESTIMATE else ("", "")

        def weighed(message: Message) -> int:
            content = message.content
            if not isinstance(content, str) or (message.extra and _special(message)):
                return slowly(message)
            if told:
                if not content:
                    return 0  # what holds nothing is not sent
                alone = told.get(content)
                if alone is not None:
                    return alone + learnt.share(message.role)
            whole = known.get(content)
            if whole is not None:
                return whole
            tokens = message.tokens
            cached = tokens.get(name)
            if cached is None:
                words, symbols, wide = self._text(content, name)
                return int(a * words + b * symbols + c * wide + add)
            # the same sum, begun from the cached whole
            return int(a * cached - a_less_b * tokens.get(of_symbols, 0) - a_less_c * tokens.get(of_wide, 0) + add)

        share = round(format_share)

        def exactly(message: Message) -> int:
            cached = message.tokens.get(name)
            if cached is None or (message.extra and _special(message)) or not isinstance(message.content, str):
                return weighed(message)
            return cached + share

        return exactly if name != ESTIMATE and self._published(model) else weighed

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
        return round(self._learning(model).request)

    def joining(self, model: str) -> int:
        """Tokens that each message of the person right after another one saves, because both go as one."""
        learnt = self._learning(model)
        return max(learnt.share("user") - _EMPTY_LINE, 0) if learnt.told else 0

    def tools(self, functions: Sequence[Mapping[str, Any]], model: str) -> int:
        """Tokens of the tools offered in a request (`{"type": "function", "function": {...}}` each)."""
        tokens = tool_tokens(functions, lambda text: self.count(text, model), self.encoding(model))
        if not functions or self._published(model):
            return tokens
        # Templates of other models write them as JSON.
        return max(tokens, self.count(json.dumps(list(functions), ensure_ascii=False, default=dict), model))

    def learn(
        self, model: str, counted: int, reported: int, messages: Sequence[Message], reply: Message | None = None
    ) -> None:
        """The server reported `reported` prompt tokens where `counted` had been counted (`ContextPlan.tokens`).

        `messages` are all that the request held (`ContextPlan.everything()`), `reply` what came, with its usage.
        Images teach nothing; with tools offered, do not call it.
        """
        if counted <= 0 or not counted / 10 <= reported <= counted * 10 + LARGEST_REQUEST:
            return  # a server that reports nothing, or something else than the prompt
        if not any(message.content for message in messages) or any(
            not isinstance(message.content, str) for message in messages
        ):
            return
        learnt = self._learning(model)
        name = self.encoding(model)
        if not self._published(model):
            sent = [message for message in messages if message.content]
            joined = sum(before.role == after.role == "user" for before, after in pairwise(sent))
            if reply is not None and not _special(reply):
                learnt.reply(reply, self._raw(reply, name), self._text(reply.reasoning, name))
            reported += joined * self.joining(model)
            learnt.report(sent, [self._raw(message, name) for message in sent], reported)
        elif name != ESTIMATE:
            learnt.whole(counted, reported)
        if self._save is not None:
            self._kept[model] = learnt.to_json()
            self._save(dict(self._kept))

    def told(self, model: str, text: str, tokens: int) -> None:
        """The server's own tokenizer counts `tokens` in `text` alone; true for this run.

        Where the encoding and the format are known to be exact, nothing needs to be told.
        """
        if not self._published(model):
            self._learning(model).tell(text, tokens)

    def untold(self, model: str, messages: Sequence[Message]) -> list[str]:
        """The texts of `messages`, newest first, that the server's tokenizer could count better than is known."""
        if self._published(model):
            return []
        known = self._learning(model).told
        texts = (message.content for message in reversed(messages) if not _special(message))
        return [text for text in dict.fromkeys(texts) if isinstance(text, str) and text and text not in known]

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
            if passages := passages_of(message):
                texts.append(passages_text(passages))
        counts = [self._text(text, name) for text in texts if text]
        return counts[0] if len(counts) == 1 else together(counts)

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

    def _learning(self, model: str) -> Learning:
        learnt = self._learnt.get(model)
        if learnt is None:
            learnt = Learning(self._kept.get(model), published=self._published(model))
            self._learnt[model] = learnt
        return learnt


def _special(message: Message) -> bool:
    """Whether more than a plain text is to be counted: a name, calls, parts."""
    extra = message.extra
    return "tool_calls" in extra or "name" in extra or PASSAGES in extra or not isinstance(message.content, str)


def _weigh(parts: Parts, factors: Sequence[float]) -> int:
    tokens = int(sum(raw * factor for raw, factor in zip(parts, factors, strict=True)) + 0.5)
    return max(tokens, 1) if parts.total else tokens  # something is never nothing


def _texts(content: Content) -> list[str]:
    return [part["text"] for part in content if not isinstance(part, str) and isinstance(part.get("text"), str)]


def _images(content: Content) -> list[Mapping[str, Any]]:
    return [part for part in content if not isinstance(part, str) and "image_url" in part]
