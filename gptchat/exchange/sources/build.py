"""Makes a session of a foreign chat: branches kept, hidden nodes passed through, records of one answer joined."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any

from gptchat.core.messages import Record
from gptchat.core.replies.sources import CitedSource, records_of
from gptchat.core.session import move
from gptchat.exchange.forms.times import moment, record_time
from gptchat.exchange.session_builder import Broken, SessionDraft, digest
from gptchat.exchange.sources.chats import ForeignChat, ForeignNode
from gptchat.values import dataclass, field
from gptchat.words import _

_LARGEST_IMAGE = 12_000_000
"""Characters of an image's data URL that is kept; a larger one is only named."""
_IMAGE = re.compile(r"data:(image/(?:png|jpeg|jpg|gif|webp));base64,", re.IGNORECASE)
_LOST = re.compile("[\ud800-\udfff]")


@dataclass(slots=True)
class _Carried:
    """What the nodes above leave to the next answer below them."""

    above: str | None = None
    """Id of the nearest message above."""
    reasoning: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)


def build(chat: ForeignChat, where: str) -> Iterator[SessionDraft | Broken]:
    """Yield the session of `chat`, after its problems. `where` names the chat in error messages."""
    for problem in chat.problems:
        yield Broken(_("{place}: {problem}").format(place=where, problem=problem))
    yield _Builder(chat).draft()


class _Builder:
    def __init__(self, chat: ForeignChat) -> None:
        self._chat = chat
        self._records: dict[str, Record] = {}
        self._place: dict[str, str | None] = {}
        """For each node, the id of the nearest message at or above it."""
        self._nodes: dict[str, ForeignNode] = {}
        self._children: dict[str | None, list[str]] = {}
        self._begun: dict[str, bool] = {}
        """Messages that have a child which is a message."""
        self._system: list[str] = [clean(chat.system)] if chat.system.strip() else []
        self._left = chat.left
        self._named = 0
        self._new: dict[str, str] = {}

    def draft(self) -> SessionDraft:
        """The session of the chat."""
        chat = self._chat
        for number, node in enumerate(chat.nodes):
            if not node.id or node.id in self._nodes:
                node.id = f"{node.id}~{number}"
            self._nodes[node.id] = node
        for node in chat.nodes:
            parent = node.parent if node.parent in self._nodes and node.parent != node.id else None
            self._children.setdefault(parent, []).append(node.id)
        for parent, listed in chat.order.items():
            if parent in self._children:
                places = {child: place for place, child in enumerate(listed) if isinstance(child, str)}
                self._children[parent].sort(key=lambda child: places.get(child, len(places)))
        self._walk()
        records = self._ids(list(self._records.values()))
        title = " ".join(clean(chat.title).split())
        created = record_time(chat.created)
        anchor = [records[0]["role"], records[0]["content"], records[0]["ts"]] if records else chat.title
        draft = SessionDraft(
            records,
            source=f"{chat.program}:{clean(chat.id)}" if chat.id else f"{chat.program}:~{digest([title, anchor])}",
            title=title[:500] or None,
            created=created,
            settings={"system": "\n\n".join(self._system)} if self._system else {},
            left={kind: count for kind, count in self._left.items() if count},
            earlier=chat.earlier,
            same="ids" if chat.id else "path",
            branches=sum(not self._begun.get(id) for id in self._records),
            named=self._named,
        )
        if not chat.id and self._system and records:
            draft.source += digest(self._system)[:4]
        head = self._head()
        if head is not None and records and head != records[-1]["id"]:
            draft.records.append(move(head))
        return draft

    def _walk(self) -> None:
        """Visit every node once, parents first; the nodes of a loop as roots."""
        seen: set[str] = set()
        for root in [*self._children.get(None, ()), *self._nodes]:
            waiting = [(root, _Carried())]
            while waiting:
                id, carried = waiting.pop()
                if id in seen:
                    continue
                seen.add(id)
                below = self._visit(self._nodes[id], carried)
                self._place[id] = below.above
                children = self._children.get(id, ())
                if not children and (below.reasoning or below.files):
                    self._unsaid(self._nodes[id], below)
                waiting += [(child, below) for child in reversed(children)]

    def _visit(self, node: ForeignNode, carried: _Carried) -> _Carried:
        for kind in node.left:
            self._left[kind] += 1
        said = clean(node.text)
        if node.role == "system" and not node.hidden and said.strip():
            if carried.above is None:
                if said not in self._system:
                    self._system.append(said)
            else:
                self._left["system"] += 1
            return carried
        exact = self._chat.exact and (node.role == "tool" or "tool_calls" in node.extra)
        if node.hidden or (node.role not in ("user", "assistant") and not exact):
            if said.strip() and not node.left:
                self._left["hidden"] += 1
            return carried
        if node.role == "assistant" and not said.strip() and not exact:
            return _Carried(
                carried.above,
                [*carried.reasoning, *([node.reasoning] if node.reasoning.strip() else [])],
                [*carried.files, *node.files],
                [*carried.images, *node.images],
            )
        if not (said.strip() or node.files or node.images or exact):
            if not node.left:
                self._left["empty"] += 1
            return carried
        node.files, node.images = [*carried.files, *node.files], [*carried.images, *node.images]
        node.reasoning = "\n\n".join([*carried.reasoning, *([node.reasoning] if node.reasoning.strip() else [])])
        above = self._records.get(carried.above or "")
        if above is not None and self._joins(above, node):
            self._join(above, node)
            return _Carried(carried.above)
        self._records[node.id] = self._record(node, carried.above)
        if carried.above:
            self._begun[carried.above] = True
        return _Carried(node.id)

    def _joins(self, above: Record, node: ForeignNode) -> bool:
        """Whether `node` goes on with the answer `above`: nothing of the person stands between, nor a branch."""
        if self._chat.exact or node.apart or above["role"] != "assistant" or node.role != "assistant":
            return False
        siblings = self._children.get(node.parent if node.parent in self._nodes else None, ())
        return not self._begun.get(str(above["id"])) and len(siblings) == 1

    def _join(self, above: Record, node: ForeignNode) -> None:
        more = self._record(node, None)
        above["content"] = _joined(above["content"], more["content"])
        if more.get("reasoning"):
            above["reasoning"] = "\n\n".join(filter(None, (above.get("reasoning"), more["reasoning"])))
        if more.get("sources"):
            above["sources"] = [*above.get("sources", []), *more["sources"]]
        above["model"] = above["model"] or more["model"]
        above["status"], above["finish_reason"] = more["status"], more["finish_reason"]

    def _record(self, node: ForeignNode, above: str | None) -> Record:
        lines = [clean(node.text)]
        images = [{"type": "image_url", "image_url": {"url": url}} for url in node.images if _picture(url)]
        named = list(dict.fromkeys(" ".join(clean(one).split())[:200] for one in node.files if one.strip()))
        unnamed = max(0, len(node.images) - len(named)) if node.role == "assistant" or not images else 0
        if named or unnamed:
            lines.append("\n".join(f"[{one}]" for one in [*named, *["image"] * unnamed]))
        self._named += max(len(named) + unnamed, len(images))
        content: Any = "\n\n".join(line for line in lines if line.strip())
        if images and node.role == "user":
            content = [*([{"type": "text", "text": content}] if content else []), *images]
        record: Record = {
            "type": "message",
            "id": node.id,
            "parent": above,
            "role": node.role,
            "content": content,
            "ts": record_time(node.time),
        }
        if node.reasoning.strip():
            record["reasoning"] = clean(node.reasoning)
        if node.role == "assistant":
            broken = {"interrupted": "interrupted", "error": "failed"}
            record |= {
                "provider": self._chat.program,
                "model": clean(node.model or self._chat.model),
                "status": broken.get(node.finish, "complete"),
                "finish_reason": "length" if node.finish == "length" else "stop",
            }
        sources = [CitedSource(clean(url), clean(title)) for url, title in node.sources if url or title]
        if sources:
            record["sources"] = records_of(list({one.url or one.title: one for one in sources}.values()))
        return {**record, **node.extra}

    def _unsaid(self, node: ForeignNode, carried: _Carried) -> None:
        """An answer that never came to a text: files make a message, reasoning alone does not."""
        if not carried.files and not carried.images:
            self._left["reasoning"] += 1
            return
        made = ForeignNode(node.id, role="assistant", model=node.model, time=node.time)
        made.files, made.images, made.reasoning = carried.files, carried.images, "\n\n".join(carried.reasoning)
        self._records[node.id] = self._record(made, carried.above)
        self._place[node.id] = node.id
        if carried.above:
            self._begun[carried.above] = True

    def _ids(self, records: list[Record]) -> list[Record]:
        """Give messages without an id of their own one that follows from all that was said up to them."""
        new: dict[str, str] = {}
        taken = set(self._records)
        for record in records:
            id, parent = str(record["id"]), record["parent"]
            if id.startswith("#") or "~" in id or _LOST.search(id):
                above = new.get(parent, parent) if parent else ""
                new[id] = "x" + digest([above, record["role"], record["content"], record.get("tool_calls")])
                while new[id] in taken:
                    new[id] = "x" + digest([new[id]])
                taken.add(new[id])
        for record in records:
            record["id"] = new.get(str(record["id"]), record["id"])
            record["parent"] = new.get(record["parent"], record["parent"])
        self._new = new
        return records

    def _head(self) -> str | None:
        current = self._place.get(self._chat.current) if self._chat.current is not None else None
        if current is None:
            leaves = [id for id in self._records if not self._begun.get(id)]
            times = {id: moment(self._nodes[id].time) for id in leaves}
            if leaves and all(at is not None for at in times.values()):
                leaves.sort(key=lambda id: times[id] or 0)
            current = leaves[-1] if leaves else None
        return self._new.get(current, current) if current is not None else None


def clean(words: str) -> str:
    """`words` without NUL; halves of characters are joined, and lone ones replaced."""
    words = words.replace("\0", "") if "\0" in words else words
    if _LOST.search(words):
        words = words.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return words


def _picture(url: str) -> bool:
    """Whether `url` is a data URL of an image that a chat API takes."""
    match = _IMAGE.match(url)
    if match is None or len(url) > _LARGEST_IMAGE:
        return False
    try:
        return len(base64.b64decode(url[match.end() :], validate=True)) > 0
    except (binascii.Error, ValueError):
        return False


def _joined(one: Any, other: Any) -> Any:
    if isinstance(one, str) and isinstance(other, str):
        return "\n\n".join(filter(None, (one, other)))
    parts = [*([{"type": "text", "text": one}] if isinstance(one, str) else one)]
    return [*parts, *([{"type": "text", "text": other}] if isinstance(other, str) else other)]
