"""What the catalogue knows of models, by whatever name a person writes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptchat import catalogue, vendors
from gptchat.catalogue import names
from gptchat.core.messages import Usage
from gptchat.core.ports import ModelFacts

CORRECTIONS = Path(__file__).parents[2] / ".dev" / "corrections.json"


def found(name: str, hint: str = "") -> ModelFacts:
    """The facts about a model that the catalogue knows."""
    known = catalogue.facts(name, hint)
    assert known is not None, name
    return known


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


@given(st.text(max_size=60) | st.sampled_from(["ft:", "gpt-4o"]).flatmap(lambda head: st.text().map(head.__add__)))
@settings(max_examples=200)
def test_any_name_is_taken(name: str) -> None:
    """Whatever is typed as a model's name, looking it up ends and never fails."""
    assert len(list(names.spellings(name))) < 400
    for hint in ("", "azure", name):
        known = catalogue.facts(name, hint)
        assert known is None or known.context or known.retired or known.provider
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
    assert found("gpt-4o-2024-11-20").successor == "gpt-6-luna"
    assert found("gpt-6.1-terra").retired is None


@pytest.mark.parametrize("vendor", sorted(catalogue._retirements()))
def test_every_successor_is_current(vendor: str) -> None:
    """Whoever follows the advice lands on a model that this vendor has and that is not itself going away soon."""
    exact, patterns = catalogue._retirements()[vendor]
    assert vendor in vendors.table()
    for name, told in {**exact, **patterns}.items():
        if not told:
            continue  # said to live, though a name like it has ended
        assert date.fromisoformat(told["date"]), name
        if told.get("successor"):
            known = catalogue.facts(told["successor"], vendor)
            assert known is not None, (name, told)
            assert known.retired is None or known.retired > "2027-03", (name, told)


@pytest.mark.parametrize(
    "vendor", [one for one in vendors.table().values() if one.model], ids=lambda one: one.name
)
def test_every_default_model_is_known_and_alive(vendor: vendors.Vendor) -> None:
    """The model a ready-made provider takes by itself is in the catalogue, and its end is not announced."""
    if vendor.name in ("demo", "gptplus"):
        return  # one is no model, the other's service decides what its name stands for
    known = found(vendor.model, vendor.base_url or vendor.name)
    assert known.retired is None
    assert known.provider
    lacking = [what for what, value in (("context", known.context), ("price", known.input)) if value is None]
    assert lacking == unknown(vendor), "what is not known of it is marked so, and nothing else is"


def unknown(vendor: vendors.Vendor) -> list[str]:
    """What the corrections say could be found nowhere of a provider's default model."""
    corrected = json.loads(CORRECTIONS.read_text(encoding="utf-8"))
    own = corrected["resellers"].get(vendor.variant_of or vendor.name, {})
    row = own.get(vendor.model) or corrected["models"].get(vendor.model, {})
    marked: list[str] = row.get("unknown", [])
    return marked


@pytest.mark.parametrize("vendor", sorted(catalogue._resellers()))
def test_every_alias_names_a_known_model(vendor: str) -> None:
    """A name without its date, or with `-latest`, leads to a row of the vendor's own."""
    for name, row in catalogue._resellers()[vendor].items():
        known = found(name, vendor)
        assert (known.provider, known.context) == (row["provider"], row.get("context")), name


@pytest.mark.parametrize(
    ("vendor", "name", "day", "successor"),
    [
        ("deepseek", "deepseek-chat", "2026-07-24", "deepseek-flash"),
        ("https://api.deepseek.com", "deepseek-reasoner", "2026-07-24", "deepseek-flash"),
        ("qwen", "qwen-turbo", "2026-10-10", "qwen3.8-flash"),
        ("qwen-intl", "qwen3-max", "2026-10-10", "qwen3.8-max"),
        ("qwen", "qwen3-coder-plus", "2026-10-10", "qwen3.8-max"),
        ("qwen", "glm-4.7", "2026-10-10", "glm-5.2"),
        ("moonshot", "kimi-k2-thinking", "2026-05-25", "kimi-k2.6"),
        ("hunyuan", "hunyuan-turbos-latest", "2026-06-22", "hy3"),
        ("anthropic", "claude-sonnet-4-5", "2026-11-30", "claude-sonnet-5-5"),
        ("xai", "grok-4-0709", "2026-05-15", "grok-4.3"),
        ("gemini", "models/gemini-2.0-flash", "2026-06-01", "gemini-3.8-flash"),
        ("groq", "llama-3.3-70b-versatile", "2026-08-16", "openai/gpt-oss-120b"),
        ("openai", "babbage-002", "2026-09-28", "gpt-6-luna"),
        ("openai", "o1", "2026-10-23", "gpt-6.1-terra"),
    ],
)
def test_ends_of_every_vendor(vendor: str, name: str, day: str, successor: str) -> None:
    """A model that its vendor has shut down, or will, is told with the day and what takes its place."""
    known = found(name, vendor)
    assert (known.retired, known.successor) == (day, successor)


def test_an_end_is_one_vendors() -> None:
    """A model that one vendor ends may live at another: nothing is said of it there."""
    assert found("glm-4.7", "zhipu").retired is None
    assert found("deepseek-chat", "https://relay.example/v1").retired is None
    assert found("qwen3-max-2026-01-23", "qwen").retired is None


def test_the_vendors_own_row_wins() -> None:
    """A model costs what its maker asks, at its dearest hour, and not what a reseller of the same name does."""
    pro = found("deepseek-v4-pro", "deepseek")
    assert (pro.input, pro.cached_input, pro.output, pro.provider) == (1.32, 0.044, 3.96, "deepseek")
    flash = found("deepseek-v4-flash")
    assert (flash.input, flash.output) == (0.3, 1.2)


def test_a_resellers_row_is_its_own() -> None:
    """At a reseller its own price and window count; elsewhere the maker's."""
    at_groq, at_cerebras = (found("openai/gpt-oss-120b", vendor) for vendor in ("groq", "cerebras"))
    assert (at_groq.input, at_cerebras.input) == (0.15, 0.35)
    sold = found("deepseek-ai/DeepSeek-V4-Flash", "https://api.siliconflow.cn/v1")
    assert (sold.input, sold.provider) == (0.13, "siliconflow")


def test_windows_and_limits_of_prompts() -> None:
    """Where a prompt may not fill the window, both are known."""
    terra = found("gpt-6.1-terra")
    assert (terra.context, terra.max_input) == (1_050_000, 922_000)
    five = found("gpt-5")
    assert (five.context, five.max_input) == (400_000, 272_000)
    assert found("claude-sonnet-5-5").context == 1_000_000


def test_prices_by_the_hour() -> None:
    """Off-peak prices hold in the vendor's hours; at an unknown hour the dearest counts."""
    pro, used = found("deepseek-v4-pro", "deepseek"), Usage(1_000_000, 1_000_000, 2_000_000)
    peak = datetime(2026, 11, 27, 2, 30, tzinfo=UTC)  # a Friday, 10:30 in Beijing
    assert catalogue.price(pro, used, peak) == pytest.approx(5.28)
    for moment in (peak.replace(hour=12), peak.replace(hour=5), peak.replace(day=28)):
        assert catalogue.price(pro, used, moment) == pytest.approx(2.64)
    assert catalogue.price(pro, used) == pytest.approx(5.28)


def test_prices_of_long_prompts() -> None:
    """Above a size of the prompt another price holds for all of it."""
    grok = found("grok-4.7", "xai")
    assert catalogue.price(grok, Usage(200_000, 0, 200_000)) == pytest.approx(0.4)
    assert catalogue.price(grok, Usage(300_000, 0, 300_000)) == pytest.approx(1.2)


@given(
    st.integers(0, 2_000_000),
    st.integers(0, 100_000),
    st.datetimes(timezones=st.just(UTC)),
    st.sampled_from([known.name for known in catalogue.search("")]),
)
def test_the_dearest_hour_is_the_dearest(prompt: int, reply: int, moment: datetime, name: str) -> None:
    """At no hour does a reply cost more than is told where the hour is not known, and never less than nothing."""
    known, usage = found(name), Usage(prompt, reply, prompt + reply)
    told, then = catalogue.price(known, usage), catalogue.price(known, usage, moment)
    assert (told is None) == (then is None)
    assert told is None or (then is not None and 0 <= then <= told + 1e-12)


def test_every_row_is_sound() -> None:
    """Windows and prices are numbers that can be; an hour's days and spans can be read."""
    tables = [catalogue._models(), *catalogue._resellers().values()]
    for name, row in ((name, row) for table in tables for name, row in table.items()):
        assert row["provider"] in vendors.table(), name
        assert row.get("context", 1) > 0
        assert row.get("max_input", 1) <= row.get("context", 10**9)
        assert all(0 <= row.get(price, 0) < 1000 for price in ("input", "cached_input", "output"))
        for rate in row.get("rates", ()):
            assert set(rate) <= {"above", "hours", "input", "cached_input", "output"}
            for days, *spans in rate.get("hours", ()):
                assert set(days) <= set("1234567")
                assert all(re.fullmatch(r"\d\d:\d\d-\d\d:\d\d", span) for span in spans)


def test_corrections_are_in_the_catalogue_and_have_sources() -> None:
    """What is corrected by hand says where it was read, and the catalogue was made from it."""
    models, sold, ends = catalogue._models(), catalogue._resellers(), catalogue._retirements()
    corrected = json.loads(CORRECTIONS.read_text(encoding="utf-8"))
    for table, changes in (
        (models, corrected["models"]),
        *((sold[vendor], changes) for vendor, changes in corrected["resellers"].items()),
    ):
        for name, row in changes.items():
            assert row["source"], name
            made = table.get(name) or table[name.lower()]
            assert {key: made.get(key) for key in row} == row
    for vendor, changes in corrected["retirements"].items():
        for listed, told in changes.items():
            assert told["source"], listed
            for name in listed.lower().split():
                kept = ends[vendor][1][name[:-1]] if name.endswith("*") else ends[vendor][0][name]
                assert kept.get("date") == told.get("date")


def test_where_dates_and_prices_are_left_out() -> None:
    """Prices are not told of a server of one's own or of GPT+; dates only of OpenAI."""
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
    assert catalogue.nearest("openai/Deepseek-flsh")[0] == "deepseek-flash"
    assert "deepseek-chat" not in catalogue.nearest("deepseek-chatt")
    assert all(found(name).retired is None for name in catalogue.nearest("gpt-4", 8))
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


def test_a_tuned_model_has_the_window_of_its_base_and_prices_of_its_own() -> None:
    """A fine-tuned model has its base's window; its prices are tuned ones if known, else the base's."""
    for name in ("ft:gpt-4.1-mini-2025-04-14:org:suffix:id", "FT:gpt-4.1-mini:org::id"):
        tuned, base = catalogue.facts(name, "openai"), catalogue.facts("gpt-4.1-mini", "openai")
        assert tuned is not None
        assert base is not None
        assert tuned.context == base.context
        assert (tuned.input, tuned.cached_input, tuned.output, tuned.training) == (0.8, 0.2, 3.2, 5)
        assert (base.input, base.output, base.training) == (0.4, 1.6, 5)
    unknown, base = catalogue.facts("ft:gpt-5-mini:org::id", "openai"), catalogue.facts("gpt-5-mini", "openai")
    assert unknown is not None
    assert base is not None
    assert (unknown.input, unknown.output) == (base.input, base.output)
    assert unknown.training is None
    for hint in ("gptplus", "http://127.0.0.1:1/v1"):
        found = catalogue.facts("ft:gpt-4o:org::id", hint)
        assert found is not None
        assert (found.input, found.training) == (None, None)
