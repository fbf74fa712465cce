"""Updates the toolbar's figures in the background: window usage, cost, and the draft's tokens."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from gptchat.conversation.outgoing import Outbox
from gptchat.conversation.routing import Routing
from gptchat.conversation.spending import Running
from gptchat.core.context import NEARLY, nearly_full
from gptchat.errors import GptchatError
from gptchat.manager import Route, SessionManager
from gptchat.storage.index.background import Indexing
from gptchat.terminal.output.toolbar import Status
from gptchat.values import replace
from gptchat.vendors.thinking import asked_for


class Gauge:
    """Figures for the toolbar. `refresh` recounts in a thread; `status` returns the latest ones at once.

    `drawn` is called from a thread when there is something new to draw. `pause` is called in a thread before a
    tokenizer is loaded; it may block, so that loading does not slow down the keys.
    """

    def __init__(
        self,
        manager: SessionManager,
        routing: Routing,
        outbox: Outbox,
        indexing: Indexing,
        *,
        drawn: Callable[[], None],
        pause: Callable[[], None] = lambda: None,
        incognito: bool = False,
    ) -> None:
        self._manager = manager
        self._routing = routing
        self._outbox = outbox
        self._indexing = indexing
        self._drawn = drawn
        self._pause = pause
        self._incognito = incognito
        self._known = Status()
        self._counted_as = ""
        self._budget = 0
        self._room = 0.0
        """Maximum tokens of a draft if all older turns are left out."""
        self.equip: Callable[[Route], Route] = lambda route: route
        """Returns a route with the tools that are offered on it; called in a thread."""
        self._spent = Running()
        self._lock = threading.Lock()
        self.live = LiveCount(self._count, drawn)

    def status(self, waiting: int = 0) -> Status:
        """The current figures, including the draft's tokens. `waiting` is the number of queued messages."""
        known = replace(
            self._known,
            user=self._manager.user,
            title=self._manager.session.name,
            waiting=waiting,
            indexed=self._indexing.share,
            incognito=self._incognito,
        )
        if known.tokens is None or not self.live.tokens:
            return known
        tokens = known.tokens + self.live.tokens
        # No new plan for every key: only once the draft no longer fits is one message shown as left out.
        left_out = known.left_out or int(tokens > self._budget)
        too_long = known.too_long or self.live.tokens > self._room
        near = known.near or tokens >= NEARLY * self._budget
        return replace(known, tokens=tokens, left_out=left_out, too_long=too_long, near=near)

    def refresh(self) -> None:
        """Count again in a thread, because the session or the settings have changed."""
        threading.Thread(target=self._read, name="gauge", daemon=True).start()

    def _read(self) -> None:
        with self._lock:
            try:
                route = self.equip(self._routing.route())
            except GptchatError:
                self._known, self._counted_as = Status(), ""
                return
            if not self._routing.counter.ready(route.counted_as):
                self._pause()
                self._routing.counter.load(route.counted_as)
            draft = self._outbox.waiting()
            plan = self._manager.plan(route, draft=draft)
            self._budget = plan.limits.budget
            self._room = plan.limits.most - plan.system_tokens - plan.pinned_tokens - plan.overhead
            self._counted_as = route.counted_as
            self._known = Status(
                provider=route.provider.name,
                model=route.model,
                thinking=asked_for(route.parameters).removeprefix("off"),
                tokens=plan.tokens,
                window=plan.limits.window,
                estimated=not (self._routing.counter.exact(route.counted_as) and plan.text_alone),
                cost=self._spent.cost(self._manager.session),
                left_out=plan.left_out - plan.summarised if plan.trimmed else 0,
                # Without a message the last turn counts as the one to send, which the next one leaves out.
                too_long=not plan.fits and bool(draft),
                near=nearly_full(plan) or not plan.fits,
            )
        self.live.recount()  # a draft typed before the model was known was counted as 0 tokens
        self._drawn()

    def _count(self, text: str) -> int:
        return self._routing.counter.count(text, self._counted_as) if self._counted_as else 0


class LiveCount:
    """Counts the tokens of the current draft in a thread, once typing has paused for `delay` seconds.

    `count(text)` returns the tokens of a text; it runs in the thread and may load what it needs.
    `on_counted()` (such as `Prompt.refresh`) is called from the thread after each count. `tokens` is the last
    count.
    """

    def __init__(
        self, count: Callable[[str], int], on_counted: Callable[[], None] = lambda: None, delay: float = 0.1
    ) -> None:
        self._count = count
        self.on_counted = on_counted
        self._delay = delay
        self._wake = threading.Condition()
        self._text: str | None = None
        self._newest = 0.0
        self._draft = ""
        self._thread: threading.Thread | None = None
        self.tokens = 0

    def changed(self, text: str) -> None:
        """Count `text`, the whole draft, soon. Returns at once; for an empty draft `tokens` is 0 immediately."""
        with self._wake:
            self._draft = text
            idle, self._text = self._text is None, text or None
            self._newest = time.monotonic()
            if not text:
                self.tokens = 0
                return
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="count", daemon=True)
                self._thread.start()
            elif idle:  # later keys do not wake the thread, because that would slow them down
                self._wake.notify()

    def recount(self) -> None:
        """Count the current draft again, such as for another model."""
        with self._wake:
            if self._draft:
                self._text = self._draft
                self._wake.notify()

    def _run(self) -> None:
        pause = self._delay
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._text is not None)
                while (rest := self._newest + pause - time.monotonic()) > 0:  # each key restarts the pause
                    self._wake.wait(rest)
                text = self._text
            if text is None:
                continue
            begun = time.perf_counter()
            try:
                tokens = self._count(text)
            except Exception:  # the count is not essential: keep the last one
                tokens = self.tokens
            # A slow count is repeated less often, so that it takes at most a quarter of the time.
            pause = max(self._delay, 3 * (time.perf_counter() - begun))
            with self._wake:
                if self._text is text:
                    self._text = None
                elif self._text is None:
                    continue  # emptied meanwhile
                self.tokens = tokens
            self.on_counted()
