"""Every refusal of the corpora is read as what it is: kind, window, parameter and next step."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gptchat import vendors
from gptchat.providers.faults.refusals import Endpoint, error_of
from tests.refusals.corpus import DATA, Row, read, rows, shortcomings
from tests.support.server import Server

FILES = ("sent.jsonl", "documented.jsonl", "forms.jsonl")
_FAMILY = {"zai": "zhipu", "kimi-code": "moonshot"}
_LOCAL = frozenset(("ollama", "lmstudio", "llamacpp", "vllm"))


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    """One server for all rows."""
    with Server() as server:
        yield server


def chunks() -> list[tuple[str, int]]:
    """Each file in tens of rows."""
    return [(name, start) for name in FILES for start in range(0, len(rows(name)), 10)]


@pytest.fixture(autouse=True)
def _no_keys_of_anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(("name", "start"), chunks())
def test_refusals_are_read_as_what_they_are(running: Server, name: str, start: int) -> None:
    """The kind, the window, what is left out and the next step are right for each refusal that a server sends."""
    wrong = {}
    for number, row in enumerate(rows(name)[start : start + 10], start):
        told = shortcomings(row, read(row, running))
        if told:
            wrong[f"{number} {row.vendor} {row.status}"] = told
    assert wrong == {}


def faults_of(vendor: str) -> set[str]:
    """The kinds of refusals that the corpora hold for an entry of the table."""
    family = _FAMILY.get(vendor.split("-coding")[0], vendor.removesuffix("-intl").removesuffix("-coding"))
    listed: list[Row] = rows("documented.jsonl")
    return {row.kind for row in listed if row.vendor == family}


@pytest.mark.parametrize("vendor", [name for name in vendors.table() if name not in ("demo", "gptplus")])
def test_each_vendor_has_its_refusals(vendor: str) -> None:
    """No provider of the table is without the refusals that a person meets with it."""
    hosted = {"authentication", "quota", "rate_limit", "content_filter"}
    wanted = {"not_found", "context_length", "server"} | (set() if vendor in _LOCAL else hosted)
    assert wanted <= faults_of(vendor) | ({"server"} if vendor == "groq" else set())


def test_every_row_has_its_source() -> None:
    """A refusal without a source, or without a word on whether it was checked, is not in the corpora."""
    import json

    for name in FILES:
        for line in (DATA / name).read_text("utf-8").splitlines():
            row = json.loads(line)
            assert row["source"]
            assert name != "documented.jsonl" or row["checked"]


@pytest.mark.parametrize("name", FILES)
def test_what_a_server_says_is_shown(name: str) -> None:
    """Every refusal shows the beginning of the server's own words, or the title of its page."""
    for row in rows(name):
        found = error_of(
            None if row.in_stream else row.status, row.body, Endpoint("v", "http://h/v1", "the-model")
        )
        said = "".join(found.said.text.split())[:12]
        assert said in "".join(found.message.split()) or "“" in found.message, row
