"""What the catalogue knows of models, by whatever name a person writes."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptchat import catalogue
from gptchat.catalogue import names
from gptchat.core.messages import Usage
from gptchat.core.ports import ModelFacts


@pytest.mark.parametrize(
    "name",
    [
        "gpt-4o",
        "GPT-4o",
        " gpt-4o ",
        "openai/gpt-4o",
        "openrouter/openai/gpt-4o",
        "gpt-4o-2099-01-31",
        "gpt-4o@20990131",
        "gpt-4o:online",
        "ft:gpt-4o:org::id",
        "ft:gpt-4o-2024-08-06:org:name:id",
    ],
)
def test_one_model_by_many_names(name: str) -> None:
    """A model is known by its name in any case, with a date, a path or a tag, and when it is fine-tuned."""
    known = catalogue.facts(name)
    assert known is not None
    assert (known.name, known.context, known.max_output, known.vision) == (name, 128_000, 16_384, True)


@pytest.mark.parametrize(
    ("name", "context"),
    [
        ("models/gemini-3.5-flash", 1_048_576),
        ("gpt-4-0314", 8_192),
        ("gpt-4-turbo-2024-04-09", 128_000),
        ("minimax-m2", 200_000),
        ("llama3.1:8b", 128_000),
        ("gpt-oss:20b", 131_072),
        ("C:\\models\\gemma-4-31b-it.gguf", 262_144),
        ("/srv/gemma-4-31b-it.gguf", 262_144),
        ("codestral", 128_000),
    ],
)
def test_windows_by_other_spellings(name: str, context: int) -> None:
    """Paths, files, snapshots and tags of other makers lead to the right window."""
    known = catalogue.facts(name)
    assert known is not None
    assert known.context == context


@pytest.mark.parametrize(
    ("deployment", "context"),
    [
        ("gpt-35-turbo", 16_385),
        ("gpt-41-mini", 1_047_576),
        ("team-gpt-4o-mini-eu", 128_000),
        ("Prod_GPT-35-Turbo", 16_385),
    ],
)
def test_azure_deployments(deployment: str, context: int) -> None:
    """A deployment on Azure is known when its name holds the model's; OpenAI's own dates are not told of it."""
    known = catalogue.facts(deployment, "azure")
    assert known is not None
    assert (known.context, known.retired) == (context, None)


@pytest.mark.parametrize("name", ["", "nope", "my-model", "demo", "/", "ft:", "::", "prod-gpt-4o"])
def test_unknown_names(name: str) -> None:
    """Nothing is invented for a name the catalogue does not know."""
    assert catalogue.facts(name) is None
    assert catalogue.successor(name) is None


@given(st.text(max_size=60) | st.sampled_from(["ft:", "gpt-4o"]).flatmap(lambda head: st.text().map(head.__add__)))
@settings(max_examples=200)
def test_any_name_is_taken(name: str) -> None:
    """Whatever is typed as a model's name, looking it up ends and never fails."""
    assert len(list(names.spellings(name))) < 400
    for hint in ("", "azure", name):
        known = catalogue.facts(name, hint)
        assert known is None or known.context
    catalogue.successor(name)
    catalogue.nearest(name)


def test_retired_models_name_a_successor() -> None:
    """Models that were shut down say when, and a model of today is named in their place."""
    for name in (
        "gpt-3.5-turbo",
        "gpt-3.5-turbo-0125",
        "gpt-4",
        "gpt-4-0613",
        "gpt-4-turbo",
        "gpt-4-turbo-2024-04-09",
    ):
        known = catalogue.facts(name)
        assert known is not None
        assert known.retired == "2026-10-23"
    going = catalogue.facts("gpt-4o")
    assert going is not None
    assert going.retired == "2027-01-14"
    gone = catalogue.facts("text-davinci-003")
    assert gone is not None
    assert (gone.retired, gone.api) == ("2024-01-04", "completions")
    assert catalogue.successor("gpt-4o-2024-11-20") == "gpt-6-luna"
    assert catalogue.successor("gpt-6.1-terra") is None


def test_every_successor_is_current() -> None:
    """Whoever follows the advice lands on a model that is known and is not itself going away."""
    for name in (known.name for known in catalogue.search("openai")):
        advice = catalogue.successor(name)
        known = catalogue.facts(advice) if advice else None
        assert advice is None or (known is not None and known.retired is None)


def test_every_model_marked_retired_has_its_date() -> None:
    """A model the price list marks as retired is told with the day it was shut down."""
    marked = [name for name, data in catalogue._models().items() if data.get("retired")]
    assert marked
    for name in marked:
        known = catalogue.facts(name)
        assert known is not None
        assert known.retired is not None


def test_where_dates_and_prices_are_left_out() -> None:
    """Prices are not told of a server of one's own, GPT+ or a fine-tuned model; dates only of OpenAI."""
    for hint in (
        "http://127.0.0.1:8080/v1",
        "http://gpu:8000/v1",
        "http://box.lan/v1",
        "http://[::1]:1/",
        "gptplus",
    ):
        known = catalogue.facts("gpt-4o", hint)
        assert known is not None
        assert (known.input, known.output, known.retired, known.context) == (None, None, None, 128_000)
    for hint in ("", "openai", "https://api.openai.com/v1", "https://openrouter.ai/api/v1"):
        known = catalogue.facts("gpt-4o", hint)
        assert known is not None
        assert known.input == 2.5
        assert bool(known.retired) is ("openrouter" not in hint)
    tuned = catalogue.facts("ft:gpt-4o:org::id")
    assert tuned is not None
    assert tuned.input is None


def test_routing_to_the_responses_api() -> None:
    """The `-pro` models are marked as answering on the Responses API only."""
    known = catalogue.facts("gpt-5.5-pro")
    assert known is not None
    assert known.api == "responses"


def test_price() -> None:
    """A reply costs its prompt, its cached prompt and its completion, each at its price per million tokens."""
    known = ModelFacts("m", input=2.0, cached_input=0.5, output=10.0)
    assert catalogue.price(known, Usage(1_000_000, 100_000, 1_100_000)) == pytest.approx(3.0)
    assert catalogue.price(known, Usage(1_000_000, 0, 1_000_000, cached_tokens=400_000)) == pytest.approx(1.4)
    assert catalogue.price(known, Usage(10, 0, 10, cached_tokens=99)) == pytest.approx(5e-6)
    plain = ModelFacts("m", input=2.0, output=10.0)
    assert catalogue.price(plain, Usage(1_000_000, 0, 1_000_000, cached_tokens=400_000)) == pytest.approx(2.0)


def test_no_price_where_none_is_known() -> None:
    """Where no price is known there is no cost, rather than a cost of nothing."""
    assert catalogue.price(ModelFacts("m"), Usage(10, 10, 20)) is None
    assert catalogue.price(ModelFacts("m", input=0, output=0), Usage(10, 10, 20)) is None


def test_search() -> None:
    """Searching finds models by words of their name and by their maker, in order, and all for no words."""
    found = [known.name for known in catalogue.search("GPT luna")]
    assert "gpt-6-luna" in found
    assert found == sorted(found, key=str.lower)
    assert all("luna" in name for name in found)
    assert {known.provider for known in catalogue.search("moonshot")} == {"moonshot"}
    assert len(catalogue.search("")) > 300
    assert catalogue.search("no such model") == []


def test_nearest() -> None:
    """A mistyped name gets the one that was meant, and never a model that is gone."""
    assert catalogue.nearest("gpt-6.1-tera")[0] == "gpt-6.1-terra"
    assert catalogue.nearest("gtp-6-luna")[0] == "gpt-6-luna"
    assert catalogue.nearest("openai/Deepseek-chatt")[0] == "deepseek-chat"
    assert all(catalogue.successor(name) is None for name in catalogue.nearest("gpt-4", 8))
    assert catalogue.nearest("zzzzzzzz") == []


def test_importing_is_light() -> None:
    """Asking about a model loads no client, no terminal library and no event loop."""
    code = (
        "import sys\nfrom gptchat import catalogue\ncatalogue.facts('gpt-4o')\n"
        "heavy = ('openai', 'httpx2', 'rich', 'prompt_toolkit', 'tiktoken', 'asyncio')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
