"""Finds pictures, sounds and sources in the JSON of a reply, in the shapes that servers use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gptchat.core.replies.sources import CitedSource

_MEDIA = frozenset(
    (
        "image_url",
        "image",
        "input_image",
        "output_image",
        "image_generation_call",
        "audio",
        "output_audio",
        "input_audio",
        "video_url",
        "audio_url",
        "file",
    )
)
"""Types of content parts that may hold a file."""
_DATA = ("b64_json", "data", "result", "base64", "image_base64", "partial_image_b64", "file_data", "image")
_ADDRESS = ("image_url", "url", "uri", "audio_url", "video_url", "output_image", "image")
_INNER = ("inline_data", "inlineData", "source", "input_audio", "audio", "file", "output_audio", "b64")
_TYPE = ("mime_type", "mimeType", "media_type", "content_type", "format", "output_format")
_FIELDS = ("images", "image", "inline_data", "inlineData")
"""Fields of a message or delta, besides its content, that hold files."""


def media_of(message: Mapping[str, Any]) -> Iterator[str]:
    """The addresses of the files beside the content of a message or delta: data addresses, or web addresses."""
    for name in _FIELDS:
        if value := message.get(name):
            for one in value if isinstance(value, list) else [value]:
                wrapped = {name: one} if name.startswith("inline") else one
                yield from media_in(wrapped)
    parts = message.get("parts")
    for part in parts if isinstance(parts, list) else ():
        yield from media_in(part, typed=True)


def media_in(part: Any, *, typed: bool = False) -> Iterator[str]:
    """The address of the file that `part` is or holds. With `typed` it must look like a file and not like text."""
    if isinstance(part, str):
        if not typed and (address := _address(part, "image/png")):
            yield address
        return
    if not isinstance(part, dict):
        return
    if typed and part.get("type") not in _MEDIA and not {"inline_data", "inlineData", "b64_json"} & part.keys():
        return
    kind = str(part.get("type") or "")
    mime = _mime(part, kind)
    for name in _INNER:
        if isinstance(part.get(name), dict):
            yield from media_in({"type": kind, **part[name]})
            return
    for name in _ADDRESS:
        value = part.get(name)
        value = value.get("url") if isinstance(value, dict) else value
        if isinstance(value, str) and value.startswith(("data:", "http://", "https://")):
            yield value
            return
    for name in _DATA:
        value = part.get(name)
        if isinstance(value, str) and value:
            if address := _address(value, mime):
                yield address
            return


def _address(value: str, mime: str) -> str:
    """`value` as an address: it is one already, or base64 text of type `mime`."""
    if value.startswith(("data:", "http://", "https://")):
        return value
    if len(value) < 16 or not value[:64].replace("+", "").replace("/", "").replace("=", "").isalnum():
        return ""
    from gptchat.core.replies.media import sniffed

    return f"data:{sniffed(value, mime)};base64,{value}"


def _mime(part: Mapping[str, Any], kind: str) -> str:
    """The media type that `part` declares, or else the usual one of its kind."""
    for name in _TYPE:
        value = part.get(name)
        if isinstance(value, str) and value:
            return value if "/" in value else f"{'audio' if 'audio' in kind else 'image'}/{value}"
    return "audio/wav" if "audio" in kind else "image/png"


def joined_sound(pieces: Sequence[str]) -> str:
    """The data address of a sound whose base64 text came in `pieces`, each complete by itself."""
    from gptchat.core.replies.media import data_address, decoded, sniffed

    data = bytearray()
    for piece in pieces:
        try:
            data += decoded(piece)
        except ValueError:  # the rest may still be worth keeping
            continue
    return data_address(sniffed(pieces[0], "audio/pcm"), bytes(data))


CITING = frozenset(
    (
        "annotations",  # OpenAI, OpenRouter
        "citations",  # Perplexity, xAI
        "context",  # Azure
        "groundingMetadata",  # Gemini
        "grounding_metadata",
        "references",  # Volcengine
        "search_info",  # Alibaba, Tencent
        "search_results",  # Perplexity, Baidu
        "sources",  # Open WebUI
        "web_search",  # Zhipu
    )
)
"""Fields of a reply, choice, message or delta that may hold sources."""
_LISTS = ("citations", "search_results", "annotations", "references", "web_search", "sources", "results")
"""Those that are lists, the one that numbers count into first."""
_HOLDERS = ("context", "search_info", "web_search_info", "url_citation", "web", "document", "source", "metadata")
_URLS = ("url", "link", "uri", "source_url", "href")
_TITLES = ("title", "name", "filename", "filepath", "site_name")
_DATES = ("date", "publish_date", "published_date", "last_updated")


def sources_of(value: Mapping[str, Any]) -> list[CitedSource]:
    """The sources in a reply, choice, message or delta, in the order of their numbers."""
    found: list[CitedSource] = []
    for name in _LISTS:
        listed = value.get(name)
        if isinstance(listed, list):
            found += [source for one in listed if (source := source_in(one)) is not None]
    for name in ("context", "search_info", "web_search_info"):
        inner = value.get(name)
        if isinstance(inner, dict):
            found += sources_of(inner)
    for name in ("grounding_metadata", "groundingMetadata"):
        inner = value.get(name)
        chunks = inner.get("groundingChunks", inner.get("grounding_chunks")) if isinstance(inner, dict) else None
        if isinstance(chunks, list):
            found += [source for one in chunks if (source := source_in(one)) is not None]
    return found


def source_in(value: Any) -> CitedSource | None:
    """The source that an entry of a list of citations is; None if it names neither address nor title."""
    if isinstance(value, str):
        return CitedSource(value) if value.startswith(("http://", "https://")) else None
    if not isinstance(value, dict):
        return None
    url, title, date = (_first(value, names) for names in (_URLS, _TITLES, _DATES))
    if url or title:
        return CitedSource(url, title, date)
    for name in (*_HOLDERS, "file_citation"):
        if (inner := source_in(value.get(name)) if isinstance(value.get(name), dict) else None) is not None:
            return inner
    return None


def _first(value: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return next((one for name in names if isinstance(one := value.get(name), str) and one), "")
