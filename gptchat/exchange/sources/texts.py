"""Text files of terminal programs: aider's history, and aichat's `messages.md` and sessions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from gptchat.exchange.forms.yaml_subset import load
from gptchat.exchange.session_builder import digest
from gptchat.exchange.sources.chats import (
    ForeignChat,
    ForeignNode,
    base,
    dicts,
    fields,
    first,
    spoken,
    text,
    thinking_cut,
)

_AIDER = re.compile(r"# aider chat started at (\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)\s*\Z")
_AICHAT = re.compile(
    r"# CHAT: (.*) \[(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d))\](?: \((.*)\))?\s*\Z"
)
_SESSION = re.compile(
    r"^(?:model|temperature|messages|compressed_messages|role_name|save_session)\s*:", re.MULTILINE
)
_CALLS = re.compile(r"\A<tool_calls>\n.*?\n</tool_calls>\n?", re.DOTALL)


def recognised(words: str) -> Iterator[ForeignChat] | None:
    """The chats in the text of a file; None if it is of none of these programs."""
    lines = words.split("\n")
    head = lines[:400]
    if any(_AIDER.match(line) for line in head):
        return aider(lines)
    if any(_AICHAT.match(line) for line in head):
        return aichat_log(lines)
    if len(_SESSION.findall(words[:20_000])) >= 2 or re.match(r"messages:\s*\n\s*- role:", words):
        return aichat_session(words)
    if re.match(r'\ufeff?"?(?:Conversation"?,"?Time"?,"?Author"?,"?Message|CreatedAt"?,)', words):
        from gptchat.exchange.sources.websites import copilot

        return copilot(words)
    return None


def aider(lines: list[str]) -> Iterator[ForeignChat]:
    """The chats of aider's history: one for each start of the program."""
    chat: ForeignChat | None = None
    for line in lines:
        match = _AIDER.match(line)
        if match:
            if chat is not None:
                yield from _aider_done(chat)
            chat = ForeignChat("aider", id=match[1], created=match[1])
        elif chat is not None:
            _aider_line(line, chat)
    if chat is not None:
        yield from _aider_done(chat)


def _aider_line(line: str, chat: ForeignChat) -> None:
    last = chat.nodes[-1] if chat.nodes else None
    fenced = last is not None and last.role == "assistant" and last.extra.get("fence")
    if not fenced and line.startswith("#### "):
        words = line[5:].rstrip()
        if last is not None and last.role == "user":
            last.text += "\n" + words
        else:
            chat.follow(ForeignNode("", role="user", text=words))
    elif not fenced and (line.startswith("> ") or line == ">"):
        if match := re.match(r"> Model: (\S+)", line):
            chat.model = match[1]
        chat.left["event"] += 1
    elif line.strip() or (last is not None and last.role == "assistant"):
        if last is None or last.role != "assistant":
            last = chat.follow(ForeignNode("", role="assistant"))
        mark = re.match(r"\s*(`{3,}|~{3,})", line)
        if mark and not last.extra.get("fence"):
            last.extra["fence"] = mark[1]
        elif mark and line.strip() == mark[1] and mark[1].startswith(last.extra.get("fence", "x")):
            last.extra.pop("fence")
        last.text += line.removesuffix("\r") + "\n"


def _aider_done(chat: ForeignChat) -> Iterator[ForeignChat]:
    for node in chat.nodes:
        node.extra.pop("fence", None)
        node.text = node.text.strip("\n")
        if (
            node.role == "user"
            and re.match(r"/[a-z-]+(\s|\Z)", node.text)
            and not node.text.startswith(("/ask ", "/code ", "/architect "))
        ):
            node.role, node.left = "", ("command",)
    yield chat


def aichat_log(lines: list[str]) -> Iterator[ForeignChat]:
    """The chats of `messages.md`: each question with its answer is one."""
    starts = [at for at, line in enumerate(lines) if _AICHAT.match(line)]
    # A line in an answer may look like a header; before a true one the block before it has ended.
    starts = [at for at in starts if at == starts[0] or _ended(lines, at)]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        match = _AICHAT.match(lines[start])
        if match is None:
            continue
        body = lines[start + 1 : end]
        while body and not body[-1].strip():
            body.pop()
        if body and body[-1].rstrip() == "--------":
            body.pop()
        cut = next((at for at, line in enumerate(body) if line.rstrip() == "--------"), len(body))
        asked, answer = "\n".join(body[:cut]).strip("\n"), "\n".join(body[cut + 1 :]).strip("\n")
        chat = ForeignChat("aichat", digest([match[2], asked]), match[1], match[2])
        question = chat.follow(ForeignNode("", role="user", text=asked, time=match[2]))
        if files := re.match(r"\.file (.+?) -- ", asked):
            question.files = [base(one) for one in files[1].split()]
        reply = chat.follow(ForeignNode("", role="assistant", text=_CALLS.sub("", answer), time=match[2]))
        reply.left = ("call", "result") if _CALLS.match(answer) else ()
        reply.text, reply.reasoning = thinking_cut(reply.text)
        yield chat


def _ended(lines: list[str], at: int) -> bool:
    before = [line.rstrip() for line in lines[max(0, at - 2) : at]]
    return before[-1:] == ["--------"] or before == ["--------", ""]


def aichat_session(words: str) -> Iterator[ForeignChat]:
    """The chat of a session's YAML; older turns, which were summed up, come first."""
    source = fields(load(words))
    chat = ForeignChat("aichat", model=text(source.get("model")))
    urls = {key: text(value) for key, value in fields(source.get("data_urls")).items()}
    for key in ("compressed_messages", "messages"):
        for message in dicts(source.get(key)):
            node = ForeignNode("", role=text(message.get("role")))
            content: Any = message.get("content")
            if isinstance(content, dict):
                node.left = ("call", "result") * max(1, len(dicts(content.get("tool_results"))))
                node.text = text(content.get("text"))
                node.role = "assistant" if node.text else ""
            else:
                spoken(content, node)
                if node.role == "assistant":
                    node.text, node.reasoning = thinking_cut(node.text)
            if node.images and urls:
                node.files += [base(path) for path in list(urls.values())[: len(node.images)]]
            if node.role == "system" and key == "messages" and source.get("compressed_messages"):
                node.role, node.left = "", ("hidden",)
            chat.follow(node)
    chat.title = first(source, "name")
    yield chat
