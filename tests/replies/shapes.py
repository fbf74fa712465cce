"""Replies with pictures and sources, in the shapes that servers send them."""

from __future__ import annotations

import base64
import json
from typing import Any

from tests.support.server import Reply, raw

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4
"""The beginning of a picture, and enough bytes to tell it from others."""
BASE64 = base64.b64encode(PNG).decode()
ADDRESS = f"data:image/png;base64,{BASE64}"


def chunk(delta: dict[str, Any], reason: str | None = None, **more: Any) -> dict[str, Any]:
    """A chunk of a chat reply; `more` are fields beside `choices`."""
    return {"model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": reason}], **more}


def streamed(*values: Any) -> Reply:
    """A stream of these JSON values."""
    return raw(*(f"data: {json.dumps(value)}\n\n" for value in values), "data: [DONE]\n\n")


def pictures() -> dict[str, Reply]:
    """A reply with one picture and the words `Here.` before it and `Done.` after it, in each shape."""
    part = {"type": "image_url", "image_url": {"url": ADDRESS}}
    end = chunk({"content": "Done."}, "stop")
    here = chunk({"role": "assistant", "content": "Here."})
    said = {"role": "assistant", "content": "Here. Done."}
    call = {"type": "image_generation_call", "id": "ig1", "status": "completed", "result": BASE64}
    text = {"type": "message", "content": [{"type": "output_text", "text": "Here. Done."}]}
    partial = {
        "type": "response.image_generation_call.partial_image",
        "item_id": "ig1",
        "partial_image_b64": base64.b64encode(b"\x89PNG half" * 9).decode(),
    }

    def response(*output: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "response.completed",
            "response": {"status": "completed", "model": "m", "output": [*output]},
        }

    def says(words: str) -> dict[str, Any]:
        return {"type": "response.output_text.delta", "delta": words}

    def whole(message: dict[str, Any]) -> Reply:
        return Reply.document({"model": "m", "choices": [{"message": message, "finish_reason": "stop"}]})

    return {
        "markdown": streamed(here, chunk({"content": f"\n\n![x]({ADDRESS})\n\n"}), end),
        "markdown in pieces": streamed(
            here, *(chunk({"content": piece}) for piece in _pieces(f"\n\n![x]({ADDRESS})\n\n")), end
        ),
        "bare": streamed(here, chunk({"content": f"\n\n{ADDRESS}\n\n"}), end),
        "html": streamed(here, chunk({"content": f'\n\n<img src="{ADDRESS}" alt="x">\n\n'}), end),
        "openrouter delta": streamed(here, chunk({"content": "", "images": [part]}), end),
        "openrouter message": whole({**said, "images": [part]}),
        "list of parts": streamed(here, chunk({"content": [part]}), end),
        "list of parts in a message": whole(
            {"role": "assistant", "content": [{"type": "text", "text": "Here. Done."}, part]}
        ),
        "output_image": streamed(here, chunk({"content": [{"type": "output_image", "image_url": ADDRESS}]}), end),
        "inline_data": streamed(
            here, chunk({"content": [{"inline_data": {"mime_type": "image/png", "data": BASE64}}]}), end
        ),
        "inlineData beside the content": streamed(
            here, chunk({"inlineData": {"mimeType": "image/png", "data": BASE64}}), end
        ),
        "b64_json": streamed(here, chunk({"images": [{"b64_json": BASE64}]}), end),
        "images API": Reply.document({"created": 1, "data": [{"b64_json": BASE64}]}),
        "responses": streamed(
            says("Here."),
            partial,
            {"type": "response.output_item.done", "output_index": 1, "item": call},
            says("Done."),
            response(text, call),
        ),
        "responses, a draft alone": streamed(
            says("Here."), partial, says("Done."), response(text, {**call, "result": None})
        ),
        "responses whole": Reply.document({"status": "completed", "model": "m", "output": [text, call]}),
    }


def _pieces(text: str, size: int = 7) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


PAGE = {"url": "https://lakes.example/north", "title": "Lakes of the north"}
OTHER = {"url": "https://hills.example/", "title": "Hills"}


def sources() -> dict[str, Reply]:
    """The reply `Blue [1], high [2].` with two sources, in each shape."""
    words = "Blue [1], high [2]."
    first, last = chunk({"content": "Blue [1], "}), chunk({"content": "high [2]."}, "stop")
    urls = [PAGE["url"], OTHER["url"]]
    results = [{**PAGE, "date": "2026-01-02"}, OTHER]
    chat = [{"type": "url_citation", "url_citation": {**one, "start_index": 5, "end_index": 8}} for one in results]
    flat = [{"type": "url_citation", "start_index": 5, "end_index": 8, **one} for one in results]
    azure = {"citations": [{"content": "...", "chunk_id": "0", "filepath": None, **one} for one in results]}
    added = [
        {"type": "response.output_text.annotation.added", "annotation_index": at, "annotation": one}
        for at, one in enumerate(flat)
    ]
    text = {"type": "message", "content": [{"type": "output_text", "text": words, "annotations": flat}]}
    completed = {
        "type": "response.completed",
        "response": {"status": "completed", "model": "m", "output": [text]},
    }
    zhipu = [{"refer": "ref_1", "link": one["url"], "title": one["title"], "media": "x"} for one in results]
    return {
        "perplexity": streamed(
            {**first, "citations": urls, "search_results": results},
            {**last, "citations": urls, "search_results": results},
        ),
        "perplexity whole": Reply.document(
            {
                "model": "m",
                "citations": urls,
                "search_results": results,
                "choices": [{"message": {"role": "assistant", "content": words}, "finish_reason": "stop"}],
            }
        ),
        "search results alone": streamed(first, {**last, "search_results": results}),
        "annotations": streamed(first, last, chunk({"annotations": chat})),
        "annotations of a message": Reply.document(
            {
                "model": "m",
                "choices": [
                    {
                        "message": {"role": "assistant", "content": words, "annotations": chat},
                        "finish_reason": "stop",
                    }
                ],
            }
        ),
        "azure": streamed(chunk({"role": "assistant", "context": azure}), first, last),
        "zhipu": streamed(first, {**last, "web_search": zhipu}),
        "alibaba": streamed(first, {**last, "search_info": {"search_results": results}}),
        "volcengine": streamed({**first, "references": results}, last),
        "gemini": streamed(
            first,
            {
                **last,
                "grounding_metadata": {
                    "groundingChunks": [{"web": {"uri": one["url"], "title": one["title"]}} for one in results]
                },
            },
        ),
        "responses": streamed({"type": "response.output_text.delta", "delta": words}, *added, completed),
        "responses whole": Reply.document({"status": "completed", "model": "m", "output": [text]}),
    }
