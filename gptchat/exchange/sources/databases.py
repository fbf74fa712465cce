"""SQLite databases of other programs, told apart by their tables; read-only, and columns by their names."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any

from gptchat.exchange.sources import logs, openwebui
from gptchat.exchange.sources.chats import (
    ForeignChat,
    ForeignNode,
    base,
    dicts,
    fields,
    first,
    items,
    name,
    parsed,
    spoken,
    text,
    thinking_cut,
)

Columns = Mapping[str, set[str]]
"""The names of the columns of each table."""


class Database:
    """An open database. Raises sqlite3.Error for a damaged one."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.row_factory = sqlite3.Row
        connection.text_factory = lambda data: data.decode("utf-8", "replace")
        for pragma in ("trusted_schema=OFF", "query_only=ON", "cell_size_check=ON"):
            connection.execute(f"PRAGMA {pragma}")
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        self.columns: dict[str, set[str]] = {}
        for (table,) in tables:
            if isinstance(table, str) and table:
                found = connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
                self.columns[table] = {str(row[0]) for row in found}

    def rows(self, table: str, order: str = "", **where: object) -> list[dict[str, Any]]:
        """The rows of `table` whose columns have the values of `where`; none if there is no such table."""
        return list(self.each(table, order, **where))

    def each(self, table: str, order: str = "", **where: object) -> Iterator[dict[str, Any]]:
        """As `rows`, one by one."""
        if table not in self.columns:
            return
        has = self.columns[table]
        query = f'SELECT * FROM "{table}"'  # noqa: S608 - one of our own names, which is among the tables
        if where:
            query += " WHERE " + " AND ".join(f'"{column}" = ?' for column in where)
        wanted = [column for column in order.split() if column in has]
        query += " ORDER BY " + (", ".join(f'"{column}"' for column in wanted) if wanted else "rowid")
        for row in self._connection.execute(query, tuple(where.values())):
            yield {key: row[key] for key in row.keys()}  # noqa: SIM118 - a Row iterates over its values


def chats(database: Database) -> Iterator[ForeignChat] | None:
    """The chats of the database; None if it is of no known program."""
    for fits, read in _PROGRAMS:
        if fits(database.columns):
            return read(database)
    return None


def opened(place: str | bytes) -> closing[sqlite3.Connection]:
    """A connection to the database in the file `place`, or to one that is given as bytes. Raises sqlite3.Error."""
    if isinstance(place, str):
        from pathlib import Path

        return closing(sqlite3.connect(f"{Path(place).as_uri()}?mode=ro", uri=True))
    connection = sqlite3.connect(":memory:")
    # Write-ahead mode needs files: bytes 18 and 19 of the header say it, and 1 is the other mode.
    data = place[:18] + b"\1\1" + place[20:] if place[18:20] == b"\2\2" else place
    connection.deserialize(data)
    return closing(connection)


def _llm(database: Database) -> Iterator[ForeignChat]:
    """`llm`: both generations of tables may be in one file, each chat in one of them."""
    tables = {table: database.rows(table) for table in database.columns if table in _LLM}
    if "threads" in tables:
        yield from logs.threads(tables)
    yield from logs.responses(tables)


_LLM = frozenset(
    (
        *("conversations", "responses", "logs", "log", "fragments", "attachments", "prompt_fragments"),
        *("system_fragments", "prompt_attachments", "tool_calls", "tool_results", "messages", "parts", "threads"),
        "turns",
    )
)


def _oterm(database: Database) -> Iterator[ForeignChat]:
    for row in database.rows("chat", "id"):
        chat = ForeignChat("oterm", name(row.get("id")), text(row.get("name")))
        chat.model, chat.system = text(row.get("model")), text(row.get("system"))
        for message in database.each("message", "id", chat_id=row.get("id")):
            said = text(message.get("text"))
            node = ForeignNode(name(message.get("id")), role=text(message.get("author")), text=said)
            if node.role == "assistant":
                node.text, node.reasoning = thinking_cut(said)
            for image in items(parsed(message.get("images"))):
                if isinstance(image, str) and image:
                    node.images.append(image if image.startswith("data:") else f"data:image/png;base64,{image}")
            chat.follow(node)
        # its ids are small numbers, and a database made anew has them again
        chat.id = f"{chat.id}:{chat.title}"
        yield chat


def _elia(database: Database) -> Iterator[ForeignChat]:
    for row in database.rows("chat", "id"):
        started = row.get("started_at")
        chat = ForeignChat("elia", f"{name(row.get('id'))}:{started}", text(row.get("title")), started)
        chat.model = text(row.get("model"))
        messages = database.rows("message", "id", chat_id=row.get("id"))
        known = {name(message.get("id")) for message in messages}
        for message in messages:
            node = ForeignNode(
                name(message.get("id")), role=text(message.get("role")), time=message.get("timestamp")
            )
            node.text, node.model = text(message.get("content")), text(message.get("model"))
            parent = name(message.get("parent_id"))
            node.parent = parent if parent in known else chat.nodes[-1].id if chat.nodes else None
            chat.add(node)
        yield chat


def _ollama(database: Database) -> Iterator[ForeignChat]:
    calls = {name(row.get("message_id")) for row in database.rows("tool_calls")}
    for row in database.rows("chats", "created_at"):
        chat = ForeignChat("ollama", name(row.get("id")), text(row.get("title")), row.get("created_at"))
        for message in database.each("messages", "id", chat_id=row.get("id")):
            role = text(message.get("role"))
            node = ForeignNode(name(message.get("id")), role="" if role == "tool" else role)
            node.text, node.reasoning = text(message.get("content")), text(message.get("thinking"))
            node.left = ("result",) if role == "tool" else ("call",) if node.id in calls else ()
            node.model, node.time = text(message.get("model_name")), message.get("created_at")
            for file in database.each("attachments", "id", message_id=message.get("id")):
                node.files.append(text(file.get("filename")) or "file")
            chat.follow(node)
        yield chat


def _crush(database: Database) -> Iterator[ForeignChat]:
    subagents = 0
    for row in database.rows("sessions", "created_at id"):
        if row.get("parent_session_id"):
            subagents += 1
            continue
        chat = ForeignChat("crush", name(row.get("id")), text(row.get("title")), row.get("created_at"))
        for message in database.each("messages", "created_at rowid", session_id=row.get("id")):
            node = ForeignNode(name(message.get("id")), role=text(message.get("role")))
            node.model, node.time = text(message.get("model")), message.get("created_at")
            for part in dicts(parsed(message.get("parts"))):
                _crush_part(text(part.get("type")), fields(part.get("data")), node)
            if message.get("is_summary_message"):
                node.hidden, node.left = True, ("hidden",)
            elif node.role == "tool":
                node.role = ""
            chat.follow(node)
        chat.left["subagent"] += subagents
        subagents = 0
        yield chat


def _crush_part(kind: str, data: Mapping[str, Any], node: ForeignNode) -> None:
    if kind == "text":
        node.text = "\n\n".join(filter(None, (node.text, text(data.get("text")))))
    elif kind == "reasoning":
        node.reasoning = "\n\n".join(filter(None, (node.reasoning, text(data.get("thinking")))))
    elif kind == "binary":
        node.files.append(base(first(data, "Path", "path")) or first(data, "MIMEType", "mime_type") or "file")
    elif kind == "image_url":
        spoken([{"type": "image_url", "image_url": {"url": first(data, "url", "URL")}}], node)
    elif kind in ("tool_call", "tool_result"):
        node.left += (kind.removeprefix("tool_"),)
    elif kind == "shell_command":
        node.left += ("command",)
    elif kind == "finish":
        reasons = {"max_tokens": "length", "canceled": "interrupted", "error": "error"}
        node.finish = reasons.get(text(data.get("reason")), "stop")


def _opencode(database: Database) -> Iterator[ForeignChat]:
    subagents = 0
    for row in database.rows("session", "id"):
        if row.get("parent_id"):
            subagents += 1
            continue
        listed = []
        parts: dict[str, list[dict[str, Any]]] = {}
        for part in database.each("part", "id", session_id=row.get("id")):
            parts.setdefault(name(part.get("message_id")), []).append(fields(parsed(part.get("data"))))
        for message in database.each("message", "id", session_id=row.get("id")):
            id = name(message.get("id"))
            about = {**fields(parsed(message.get("data"))), "id": id}
            listed.append({"info": about, "parts": parts.get(id, [])})
        info = {**row, "time": {"created": row.get("time_created")}}
        source: dict[str, Any] = {"info": info, "messages": listed}
        chat = opencode(source, "")
        chat.left["subagent"] += subagents
        subagents = 0
        yield chat


def opencode(source: Mapping[str, Any], _where: str) -> ForeignChat:
    """The chat of opencode's `export`: `info`, and `messages` of `info` and `parts`."""
    info = fields(source.get("info"))
    chat = ForeignChat("opencode", name(info.get("id")), text(info.get("title")))
    chat.created = fields(info.get("time")).get("created")
    undone = text(fields(parsed(info.get("revert"))).get("messageID"))
    last: str | None = None
    known: set[str] = set()
    for entry in dicts(source.get("messages")):
        about = fields(entry.get("info"))
        node = ForeignNode(name(about.get("id")), role=text(about.get("role")))
        node.time = fields(about.get("time")).get("created")
        node.model = first(about, "modelID") if node.role == "assistant" else ""
        for part in dicts(entry.get("parts")):
            _opencode_part(part, node)
        error = fields(about.get("error"))
        if error:
            node.finish = "interrupted" if "Abort" in text(error.get("name")) else "error"
        node.parent = chat.nodes[-1].id if chat.nodes else None
        chat.add(node)
        known.add(node.id)
        if undone and node.id >= undone:
            continue  # kept, but behind what is shown
        last = node.id
    chat.current = last
    return chat


def _opencode_part(part: Mapping[str, Any], node: ForeignNode) -> None:
    kind = text(part.get("type"))
    if kind == "text":
        if part.get("synthetic") is True or part.get("ignored") is True:
            node.left += ("hidden",)
        else:
            node.text = "\n\n".join(filter(None, (node.text, text(part.get("text")))))
    elif kind == "reasoning":
        node.reasoning = "\n\n".join(filter(None, (node.reasoning, text(part.get("text")))))
    elif kind == "file":
        url = text(part.get("url"))
        if text(part.get("mime")).startswith("image/") and url.startswith("data:"):
            node.images.append(url)
        node.files.append(text(part.get("filename")) or base(url) or "file")
    elif kind == "tool":
        node.left += ("call", "result") if fields(part.get("state")).get("output") else ("call",)


def _openwebui(database: Database) -> Iterator[ForeignChat]:
    for row in database.each("chat", "created_at"):
        yield openwebui.chat(row, "")


Fits = Callable[[Columns], bool]
_PROGRAMS: tuple[tuple[Fits, Callable[[Database], Iterator[ForeignChat]]], ...] = (
    (lambda has: {"message_hash", "position"} <= has.get("parts", set()) and "threads" in has, _llm),
    (lambda has: {"prompt", "response"} <= has.get("responses", set()), _llm),
    (lambda has: {"prompt", "response"} <= has.get("logs", set()) | has.get("log", set()), _llm),
    (lambda has: "chat" in has and {"author", "chat_id"} <= has.get("message", set()), _oterm),
    (lambda has: "chat" in has.get("chat", set()), _openwebui),
    (lambda has: {"chat_id", "role", "content"} <= has.get("message", set()) and "chat" in has, _elia),
    (lambda has: {"chat_id", "role", "content"} <= has.get("messages", set()) and "chats" in has, _ollama),
    (lambda has: {"session_id", "parts"} <= has.get("messages", set()) and "sessions" in has, _crush),
    (lambda has: {"message_id", "data"} <= has.get("part", set()) and "session" in has, _opencode),
)
