"""The library: conversations for Python programs, on the same settings, keys and sessions as the terminal."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import aclosing
from pathlib import Path
from typing import Any, Self, TypeVar

from gptchat.config.flags import Options
from gptchat.conversation.comparing.replies import replies_of, reply_in
from gptchat.conversation.events import (
    CompactWanted,
    ComparisonBegins,
    ConversationEvent,
    Decision,
    Exchange,
    Kept,
    next_event,
)
from gptchat.conversation.outcome import Reply
from gptchat.conversation.services import compose
from gptchat.conversation.structured.reading import Schema, structure_for
from gptchat.core.events import TurnStarted
from gptchat.core.messages import Message
from gptchat.errors import GptchatError, TurnInterruptedError, UsageError
from gptchat.waiting import LoopThread
from gptchat.words import _

_T = TypeVar("_T")

Attachments = str | Path | Sequence[str | Path]

Approve = Callable[[Decision], str | None]
"""Answers a decision with the key of one of its choices; None declines."""


class AsyncChat:
    """One person's conversation. Turns run one at a time; a second one waits for the first.

    `user` is who chats (default: as in the terminal), and `session` a saved session, as `--session` takes it
    (default: a new one). `settings` are settings for this object alone, by their names:
    `{"temperature": 0.2, "context.max_turns": 10}`. `approve` answers decisions, such as whether a flagged text is
    to be sent; without it the safe answer stands. `incognito` saves nothing. `config` and `data_dir` are places
    other than the platform's own. Raises ConfigurationError, UsageError or StorageError.
    """

    def __init__(
        self,
        *,
        user: str | None = None,
        session: str = "",
        provider: str = "",
        model: str = "",
        system: str | None = None,
        settings: Mapping[str, Any] | None = None,
        approve: Approve | Callable[[Decision], Awaitable[str | None]] | None = None,
        incognito: bool = False,
        config: str | Path = "",
        data_dir: str | Path = "",
    ) -> None:
        given = {key: value for key, value in (("provider", provider), ("model", model)) if value}
        options = Options(
            user=user,
            create_user=True,
            values={**given, **(settings or {})},
            system=system,
            incognito=incognito,
            config=str(config or ""),
            data_dir=str(data_dir or ""),
        )
        self._services = compose(options, os.environ, attended=approve is not None, remember_user=False)
        self._approve = approve
        self._one_turn = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        """Runs the turn that is under way."""
        self._streams = self._stopped = self._closed = False
        """Whether the turn's reply is on its way, whether the turn was stopped, whether the chat is closed."""
        if session:
            self._services.open_first(session)

    async def __aenter__(self) -> Self:
        """The chat itself."""
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Close it."""
        await self.close()

    @property
    def user(self) -> str:
        """Whose conversation it is."""
        return self._services.manager.user

    @property
    def session(self) -> str:
        """The id of the open session; on disk from its first message on."""
        return self._services.manager.session.id

    @property
    def messages(self) -> list[Message]:
        """The conversation as it stands, oldest first."""
        return self._services.manager.session.path()

    async def send(self, text: str, attachments: Attachments = (), *, schema: Schema | None = None) -> Reply:
        """Send `text` as it is and return the reply. `attachments`: one or several files, folders or addresses.

        With a `schema` the answer is JSON that fits it, and its value is in `Reply.data`. An answer that does not
        fit is asked for once more; MisfitError has the texts of both.
        Raises GptchatError; what came before a failure is in the session all the same.
        """
        return await self._reply(self.stream(text, attachments, schema=schema))

    async def retry(self, model: str = "", *, schema: Schema | None = None) -> Reply:
        """Have the last message answered again, by `model` where it is named. Raises GptchatError."""
        retry = self._services.conversation.retry(model, structure_for(schema))
        return await self._reply(self._events(retry))

    async def continue_(self) -> Reply:
        """Go on with the last reply where it stopped; returns the whole of it. Raises GptchatError."""
        return await self._reply(self._events(self._services.conversation.continue_()))

    async def compare(self, text: str, models: Sequence[str]) -> list[Reply | GptchatError]:
        """Have each of `models` (`MODEL` or `PROVIDER:MODEL`) answer `text`; the first whole answer goes on.

        Returns the reply of each, or the error with which it ended. Raises GptchatError if nothing was sent.
        """
        exchange = self._services.conversation.compare("", models, piped=text)
        return await replies_of(self._events(exchange), self._services.manager)

    def stream(self, text: str, attachments: Attachments = (), *, schema: Schema | None = None) -> Exchange:
        """Send `text` and yield the events that the terminal paints. Raises GptchatError.

        Closing the generator early stops the reply; what came is kept.
        """
        several = [attachments] if isinstance(attachments, (str, Path)) else attachments
        structure = structure_for(schema)
        return self._events(
            self._services.conversation.say("", [*map(str, several)], piped=text, structure=structure)
        )

    def stop(self) -> None:
        """Stop the turn that is under way, if any; what came of its reply is kept."""
        task = self._task
        if task is None or task.done():
            return
        self._stopped = True
        if self._streams:
            self._services.manager.stop()
        elif not task.cancelling():
            task.cancel()

    async def close(self) -> None:
        """Stop the turn that is under way, close connections and save what was learnt. It cannot send then."""
        self._closed = True
        if self._task is not None:
            await self._end(self._task)
        await self._services.close()

    async def _reply(self, events: Exchange) -> Reply:
        return await reply_in(events, self._services.manager)

    async def _events(self, exchange: Exchange) -> AsyncGenerator[ConversationEvent, None]:
        """The events of `exchange`, which runs in a task of its own, so that it ends well whoever leaves early."""
        await self._one_turn.acquire()
        if self._closed:
            self._one_turn.release()
            raise UsageError(_("the chat is closed"))
        queue: asyncio.Queue[ConversationEvent | None] = asyncio.Queue()
        self._streams = self._stopped = kept = False

        async def run() -> None:
            nonlocal kept
            async with aclosing(exchange):
                async for event in exchange:
                    kept = kept or isinstance(event, Kept)
                    # Only a summary may follow `Kept`; it is cancelled, as what precedes the reply is.
                    self._streams = (
                        self._streams or isinstance(event, TurnStarted | ComparisonBegins)
                    ) and not kept
                    if self._stopped:
                        self.stop()
                    if isinstance(event, Decision):
                        await self._decide(event)
                    queue.put_nowait(event)
                    if isinstance(event, CompactWanted):
                        async for told in self._services.compaction.sum_up():
                            queue.put_nowait(told)

        def ended(_task: asyncio.Task[None]) -> None:
            # Also of a task that was cancelled before its first step, and while nobody reads the events.
            self._one_turn.release()
            queue.put_nowait(None)

        task = self._task = asyncio.create_task(run())
        task.add_done_callback(ended)
        try:
            while (event := await queue.get()) is not None:
                yield event
            if not task.cancelled():
                task.result()
            elif not kept:
                raise TurnInterruptedError(_("stopped"))
        finally:
            await self._end(task)

    async def _end(self, task: asyncio.Task[None]) -> None:
        """Stop the turn that `task` runs, and wait for its end."""
        if not task.done():
            self.stop()  # it is this one: the next begins when it is done
            await asyncio.wait([task])
            if not task.cancelled():
                task.exception()  # nobody waits for it any more, and asyncio would complain

    async def _decide(self, decision: Decision) -> None:
        """Have `approve` answer; without it the safe answer stands. Raises UsageError if it is no choice."""
        if self._approve is None:
            return
        answer = self._approve(decision)
        if inspect.isawaitable(answer):
            answer = await answer
        keys = [key for key, _meaning in decision.choices]
        if answer is not None and answer not in keys:
            raise UsageError(
                _("approve answered {answer} to: {question}").format(
                    answer=repr(answer), question=decision.question
                ),
                hint=_("please answer one of {keys}").format(keys=_(", ").join(keys)),
            )
        decision.answer = answer


class Chat:
    """`AsyncChat` for programs that do not use asyncio: the same arguments and methods, each waiting for its end.

    It works beside a running event loop too, as in a notebook, and may be shared by threads. Close it, or use it
    in a `with` statement.
    """

    def __init__(
        self,
        *,
        user: str | None = None,
        session: str = "",
        provider: str = "",
        model: str = "",
        system: str | None = None,
        settings: Mapping[str, Any] | None = None,
        approve: Approve | None = None,
        incognito: bool = False,
        config: str | Path = "",
        data_dir: str | Path = "",
    ) -> None:
        async def decide(decision: Decision) -> str | None:
            assert approve is not None
            return await asyncio.to_thread(approve, decision)

        self._chat = AsyncChat(
            user=user,
            session=session,
            provider=provider,
            model=model,
            system=system,
            settings=settings,
            approve=decide if approve is not None else None,
            incognito=incognito,
            config=config,
            data_dir=data_dir,
        )
        self._loop = LoopThread("gptchat")

    def __enter__(self) -> Self:
        """The chat itself."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close it."""
        self.close()

    @property
    def user(self) -> str:
        """Whose conversation it is."""
        return self._chat.user

    @property
    def session(self) -> str:
        """The id of the open session; on disk from its first message on."""
        return self._chat.session

    @property
    def messages(self) -> list[Message]:
        """The conversation as it stands, oldest first."""
        return self._chat.messages

    def send(self, text: str, attachments: Attachments = (), *, schema: Schema | None = None) -> Reply:
        """As `AsyncChat.send`."""
        return self._wait(self._chat.send(text, attachments, schema=schema))

    def retry(self, model: str = "", *, schema: Schema | None = None) -> Reply:
        """As `AsyncChat.retry`."""
        return self._wait(self._chat.retry(model, schema=schema))

    def continue_(self) -> Reply:
        """As `AsyncChat.continue_`."""
        return self._wait(self._chat.continue_())

    def compare(self, text: str, models: Sequence[str]) -> list[Reply | GptchatError]:
        """As `AsyncChat.compare`."""
        return self._wait(self._chat.compare(text, models))

    def stream(
        self, text: str, attachments: Attachments = (), *, schema: Schema | None = None
    ) -> Iterator[ConversationEvent]:
        """As `AsyncChat.stream`."""
        events = self._chat.stream(text, attachments, schema=schema)
        try:
            while (event := self._wait(next_event(events))) is not None:
                yield event
        finally:
            if not self._loop.closed:
                self._wait(events.aclose())

    def stop(self) -> None:
        """As `AsyncChat.stop`; from any thread."""
        self._loop.call(self._chat.stop)

    def close(self) -> None:
        """As `AsyncChat.close`. A second call does nothing."""
        self._loop.close(self._chat.close)

    def _wait(self, work: Coroutine[Any, Any, _T]) -> _T:
        """The result of `work`. Ctrl-C stops it, and what came of a reply is kept."""
        try:
            return self._loop.run(work)
        except CancelledError:
            raise UsageError(_("the chat is closed")) from None
