"""Replaces the citation marks in the text of ChatGPT's exports by what they stand for.

A mark is U+E200, a kind such as `cite`, U+E202, arguments, U+E201. `metadata.content_references` of the message
says what each stands for: `matched_text` with the pages (`items`, `sources`), a file's name, or Markdown (`alt`).
Older exports write `【11†source】` with `metadata.citations`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from gptchat.core.replies.sources import CitedSource, merged

_MARK = re.compile("\ue200([a-z_]{1,30})(?:\ue202([^\ue200\ue201]{0,4000}))?(?:\ue201|(?=[\ue200\\n])|\\Z)")
_SPAN = re.compile("[\ue203\ue204]")
_OLD = re.compile("【[^】\\n]{1,80}†[^】\\n]{0,200}】")
_LISTS = ("items", "fallback_items", "sources", "refs", "supporting_websites")


def resolve(text: str, metadata: Mapping[str, Any]) -> tuple[str, list[CitedSource]]:
    """`text` with its marks replaced, and the sources that they cite, in the order of their numbers."""
    sources: list[CitedSource] = []
    if "\ue200" in text or "\ue203" in text:
        text, sources = _marked(text, metadata.get("content_references"))
    if "†" in text and isinstance(listed := metadata.get("citations"), list):
        text, sources = _older(text, listed, sources)
    return text, sources


def _marked(text: str, references: object) -> tuple[str, list[CitedSource]]:
    known: dict[str, Mapping[str, Any]] = {}
    sources: list[CitedSource] = []
    for reference in references if isinstance(references, list) else ():
        matched = reference.get("matched_text") if isinstance(reference, Mapping) else None
        if isinstance(matched, str) and "\ue200" in matched:
            known.setdefault(matched, reference)
    spans = "\ue203" in text and "\ue200" in text

    def shown(match: re.Match[str]) -> str:
        nonlocal sources
        reference = known.get(match[0])
        if reference is None:
            return _unknown(match[1], match[2] or "")
        cited = list(_sources(reference))
        if not cited:
            return _words(reference)
        sources = merged(sources, cited)
        if isinstance(alt := reference.get("alt"), str) and alt:
            return _MARK.sub("", alt)
        places = {source.url or source.title: number for number, source in enumerate(sources, 1)}
        numbers = dict.fromkeys(places[source.url or source.title] for source in cited)
        return "".join(f"[{number}]" for number in numbers)

    text = _MARK.sub(shown, text)
    for reference in references if isinstance(references, list) else ():
        if isinstance(reference, Mapping) and reference.get("type") == "sources_footnote":
            sources = merged(sources, _sources(reference))
    return _SPAN.sub("", text) if spans else text, sources


def _sources(reference: Mapping[str, Any]) -> Iterator[CitedSource]:
    """The pages and files that a reference names."""
    kind = reference.get("type")
    if kind in ("hidden", "entity", "image_inline", "image_group"):
        return
    found = False
    for name in _LISTS:
        listed = reference.get(name)
        for one in listed if isinstance(listed, list) else ():
            url = one.get("url") if isinstance(one, Mapping) else None
            if isinstance(url, str) and url:
                found = True
                title = one.get("title") or one.get("attribution")
                yield CitedSource(url, title if isinstance(title, str) else "")
        if found:
            return
    url, title = reference.get("url"), reference.get("title") or reference.get("name")
    if isinstance(url, str) and url:
        yield CitedSource(url, title if isinstance(title, str) else "")
    elif kind == "file" and isinstance(title, str) and title:
        yield CitedSource("", title)


def _words(reference: Mapping[str, Any]) -> str:
    """What a reference without sources is shown as: its Markdown, or its name."""
    if reference.get("type") == "hidden":
        return ""
    for name in ("alt", "name", "prompt_text"):
        if isinstance(value := reference.get(name), str):
            return _MARK.sub("", value)
    return ""


def _unknown(kind: str, arguments: str) -> str:
    """What a mark without a reference is shown as: the name of an entity, the words of a link, else nothing."""
    if kind == "url":
        words, _separator, address = arguments.partition("\ue202")
        return f"[{words}]({address})" if address.startswith(("http://", "https://")) else words
    if kind == "entity":
        try:
            name = json.loads(arguments)[1]
        except (ValueError, LookupError, TypeError, RecursionError):
            return ""
        return name if isinstance(name, str) else ""
    return ""


def _older(text: str, listed: list[Any], sources: list[CitedSource]) -> tuple[str, list[CitedSource]]:
    """Replace `【11†source】` by the number of the citation at that place, in their order."""
    cited: list[tuple[int, CitedSource]] = []
    for one in listed:
        about = one.get("metadata") if isinstance(one, Mapping) else None
        if not isinstance(about, Mapping):
            continue
        url, title, start = about.get("url"), about.get("title") or about.get("name"), one.get("start_ix")
        source = CitedSource(url if isinstance(url, str) else "", title if isinstance(title, str) else "")
        if source.url or source.title:
            cited.append((start if isinstance(start, int) else len(text), source))
    cited.sort(key=lambda pair: pair[0])
    matches = list(_OLD.finditer(text))
    if not cited or len(cited) != len(matches):
        return text, merged(sources, (source for _start, source in cited))
    sources = merged(sources, (source for _start, source in cited))
    places = {source.url or source.title: number for number, source in enumerate(sources, 1)}
    numbers = iter([places[source.url or source.title] for _start, source in cited])
    return _OLD.sub(lambda _match: f"[{next(numbers)}]", text), sources
