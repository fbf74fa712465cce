"""The table of ready-made providers: complete, unambiguous, with a source for each fact."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptchat import vendors
from gptchat.config.endpoints import Api, Kind
from gptchat.providers.address import base_address
from gptchat.vendors import Sureness, Vendor

VENDORS = list(vendors.table().values())
DATA = json.loads(Path(vendors.__file__).with_name("vendors.json").read_text(encoding="utf-8"))
EFFORTS = {"none", "minimal", "low", "medium", "high", "xhigh", "max"}


def ids(vendor: Vendor) -> str:
    """The name under which pytest shows a vendor."""
    return vendor.name


@pytest.mark.parametrize("vendor", VENDORS, ids=ids)
def test_every_entry_is_sound(vendor: Vendor) -> None:
    """Each entry has an address that needs no forgiving, known wires, a day of its check, and pages on the web."""
    assert vendor.kind in get_args(Kind)
    assert set(vendor.wires) <= set(get_args(Api))
    assert date.fromisoformat(vendor.checked) <= date(2026, 11, 27)
    assert vendor.en
    assert vendor.zh
    assert vendor.variant_of == "" or vendor.variant_of in vendors.table()
    assert set(vendor.shared_keys) <= set(vendor.keys)
    for key in vendor.keys:
        assert key.replace("_", "").isalnum()
        assert key == key.upper()
    for page in filter(None, (vendor.docs, vendor.prices)):
        assert urlsplit(page).scheme == "https"
    if vendor.kind == "compatible":
        assert base_address(vendor.base_url) == vendor.base_url
        assert vendor.keys
        assert vendor.docs
        assert vendor.local == vendor.base_url.startswith("http://localhost")


@pytest.mark.parametrize("vendor", VENDORS, ids=ids)
def test_every_fact_has_its_source(vendor: Vendor) -> None:
    """Address, key and model each tell where they were read; what could not be checked says so."""
    facts = {name: getattr(vendor, name) for name in ("base_url", "keys", "model")}
    assert set(vendor.sources) == {name for name, value in facts.items() if value}
    sources = [*vendor.sources.values(), *([vendor.thinking["source"]] if vendor.thinking else [])]
    for where, sure in sources:
        assert sure in get_args(Sureness)
        assert bool(where) == (sure != "unverified")


def _thinking(vendor: Vendor) -> list[dict[str, Any]]:
    return [dict(vendor.thinking), *vendor.thinking.get("models", [])]


@pytest.mark.parametrize("vendor", [one for one in VENDORS if one.thinking], ids=ids)
def test_ways_to_ask_for_thinking_are_sound(vendor: Vendor) -> None:
    """Switches are objects to merge, efforts are of those there are, and others are renamed to these."""
    told = _thinking(vendor)
    assert vendor.thinking.get("default", "model") in ("on", "off", "model")
    for one in told:
        assert all(one.get(switch) is None or isinstance(one[switch], dict) for switch in ("on", "off"))
        assert set(one.get("efforts", ())) <= EFFORTS
        renamed = one.get("renamed", {})
        assert set(renamed) <= EFFORTS - set(one.get("efforts", ()))
        assert set(renamed.values()) <= set(one.get("efforts", ()))
    assert all(one["match"] for one in told[1:])


def test_the_file_is_read_as_it_is_written() -> None:
    """The file keeps the layout by which a start finds the entry it needs: nothing is lost by reading it so."""
    assert [one["name"] for one in DATA["vendors"]] == list(vendors.names()) == list(vendors.table())
    for entry in DATA["vendors"]:
        made = vendors.table()[entry["name"]]
        assert all(
            getattr(made, key) == (tuple(told) if isinstance(told, list) else told) for key, told in entry.items()
        )
    assert len(vendors._ended()) == len(DATA["ended"])


def test_no_name_means_two_providers() -> None:
    """A name or alias leads to its own entry, so that nobody's text goes to somebody else."""
    for vendor in VENDORS:
        for spelling in vendor.spellings:
            found = vendors.named(spelling)
            assert found is not None
            assert found.name == vendor.name, spelling
    counted = Counter(vendor.base_url for vendor in VENDORS if vendor.base_url)
    assert [address for address, count in counted.items() if count > 1] == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("深度求索", "deepseek"),
        ("通义千问", "qwen"),
        ("百炼", "qwen"),
        ("阿里云百炼", "qwen"),
        ("kimi", "moonshot"),
        ("Kimi", "moonshot"),
        ("月之暗面", "moonshot"),
        ("智谱", "zhipu"),
        ("豆包", "volcengine"),
        ("火山方舟", "volcengine"),
        ("硅基流动", "siliconflow"),
        ("文心一言", "qianfan"),
        ("讯飞星火", "spark"),
        ("混元", "hunyuan"),
        ("小米", "xiaomi"),
        ("零一万物", "yi"),
        ("01.AI", "yi"),
        ("LM Studio", "lmstudio"),
        ("llama.cpp", "llamacpp"),
        ("Z.ai", "zai"),
        ("x.ai", "xai"),
        ("Claude", "anthropic"),
        ("Hugging Face", "huggingface"),
        ("dashscope-intl", "qwen-intl"),
        ("GLM Coding Plan (Zhipu)", "zhipu-coding"),
    ],
)
def test_usual_names_are_understood(text: str, name: str) -> None:
    """Chinese names, vendors' own spellings and names of their products mean the provider."""
    found = vendors.named(text)
    assert found is not None
    assert found.name == name


@given(st.sampled_from(VENDORS), st.data())
def test_spelling_does_not_matter(vendor: Vendor, data: st.DataObject) -> None:
    """Case, spaces, hyphens and full-width letters change nothing."""
    spelling = data.draw(st.sampled_from(list(vendor.spellings)))
    wide = "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in spelling)
    for written in (spelling.upper(), f" {spelling} ", spelling.replace("-", " "), wide):
        found = vendors.named(written)
        assert found is not None
        assert found.name == vendor.name


@given(st.text(max_size=12))
def test_any_text_may_be_asked(text: str) -> None:
    """Whatever a person types is looked up without an error."""
    vendors.named(text)
    vendors.ended(text)
    vendors.at(text)


def test_a_key_belongs_to_its_vendors_hosts() -> None:
    """A vendor's hosts and their subdomains are its own; look-alikes and others are not."""
    qwen = vendors.table()["qwen"]
    assert qwen.owns("https://ws-1.cn-beijing.maas.aliyuncs.com/compatible-mode/v1")
    assert not qwen.owns("https://dashscope.aliyuncs.com.evil.example/v1")
    assert not qwen.owns("https://evilmaas.aliyuncs.com.example")
    assert not qwen.owns("")
    assert all(vendor.owns(vendor.base_url) for vendor in VENDORS if vendor.base_url)


def test_a_vendor_is_found_by_its_address() -> None:
    """The address of any entry leads back to it, with another path too; unknown servers belong to nobody."""
    for vendor in VENDORS:
        if vendor.base_url and not vendor.local:
            found = vendors.at(vendor.base_url)
            assert found is not None
            assert found.name == vendor.name
    assert vendors.at("https://api.deepseek.com") == vendors.table()["deepseek"]
    assert vendors.at("http://localhost:8080/v1") is None
    assert vendors.at("https://relay.example/v1") is None


def test_what_ended_is_told_and_not_offered() -> None:
    """Services that are gone are no entries; by name and by address they are known as ended."""
    for entry in DATA["ended"]:
        assert date.fromisoformat(entry["date"]) < date(2026, 11, 27)
        assert entry["name"] not in vendors.table()
        assert entry["instead"] == "" or entry["instead"] in vendors.table()
        for name in (entry["name"], *entry["aliases"], *(f"https://{host}/v1" for host in entry["hosts"])):
            assert vendors.ended(name) is not None
    assert all(vendors.ended(vendor.base_url) is None for vendor in VENDORS)


def test_a_slip_is_answered_with_what_was_meant() -> None:
    """A misspelt name leads to the nearest entries, in Chinese too."""
    assert vendors.nearest("deepseekk")[0] == "deepseek"
    assert vendors.nearest("深度求")[0] == "deepseek"
    assert vendors.nearest("qqqqqqqq") == []
