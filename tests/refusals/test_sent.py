"""Refusals that servers really sent are read as what they are, whatever their envelope and language."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gptchat.errors import ContextLengthError, ProviderError
from gptchat.providers.faults.refusals import Endpoint, error_of

DATA = Path(__file__).parent / "data"
DISPUTED: Mapping[str, str] = {
    "LM Studio": "an empty stream is no refusal: the reader of streams tells it",
    "OpenAI": "without streaming the request is answered, so it is the parameter that is refused",
    "Cloudflare (openrouter.ai)": "a page with 503 is a server's fault: it says nothing of the body's size",
    "Alibaba via OpenCode Go": "an event without data says nothing but that the server failed",
    "Qianfan": "a daily limit may also have been reached",
}
"""Rows whose label is not ours, by vendor, with the reason; one row each."""


def rows(name: str) -> list[dict[str, Any]]:
    """The rows of a file."""
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


def error(row: Mapping[str, Any]) -> ProviderError:
    """What the row is read as."""
    status = None if row.get("in_stream") else row["status"]
    return error_of(status, row["body"], Endpoint("v", "http://h/v1", "the-model"), row.get("headers") or {})


def test_refusals_that_were_sent() -> None:
    """Of the 230 refusals all but the disputed ones are of the kind that a person reading them would say."""
    wrong = [
        (row["vendor"], error(row).kind, row["kind"])
        for row in rows("sent.jsonl")
        if error(row).kind != row["kind"]
    ]
    assert sorted(vendor for vendor, _got, _wanted in wrong) == sorted(DISPUTED)


@pytest.mark.parametrize(
    "row", rows("others.jsonl"), ids=lambda row: f"{row['vendor']} {row['status']} {row['kind']}"
)
def test_refusals_in_other_forms(row: Mapping[str, Any]) -> None:
    """Gateways, frameworks, relays and other languages are understood as well."""
    found = error(row)
    assert found.kind == row["kind"]
    if "limit" in row:
        assert isinstance(found, ContextLengthError)
        assert found.limit == row["limit"]


@pytest.mark.parametrize("name", ["sent.jsonl", "others.jsonl"])
def test_what_a_server_says_is_shown_with_a_next_step(name: str) -> None:
    """Every refusal shows the beginning of the server's own words, and what to do next."""
    for row in rows(name):
        found = error(row)
        assert found.hint
        said = "".join(found.said.text.split())[:12]
        assert said in "".join(found.message.split()) or "“" in found.message, row


def test_windows_that_are_told_are_learnt() -> None:
    """The window that a refusal names is learnt as it stands, and none where it names none."""
    for row in rows("sent.jsonl"):
        found = error(row)
        if row["kind"] == "context_length" and isinstance(found, ContextLengthError):
            window = (row["numbers"] or {}).get("window")
            assert found.limit == (window if window and window >= 128 else found.limit), row
