"""The script that makes the catalogue from a public price list and the corrections kept by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from catalogue import CATALOGUE, CORRECTIONS, PRICES, catalogue, made, main, text_of, used

EMPTY: dict[str, Any] = {"models": {}, "resellers": {}, "retirements": {}}


def row(provider: str, price: float = 1e-6, **more: Any) -> dict[str, Any]:
    """A row of the list; `price` is US$ a prompt token."""
    told = {"max_input_tokens": 1000, "max_output_tokens": 100, "input_cost_per_token": price}
    return {"litellm_provider": provider, "mode": "chat", "output_cost_per_token": 2 * price, **told, **more}


def test_the_makers_row_wins_over_a_resellers() -> None:
    """In any order of the list a model's price is its maker's; what a reseller asks is kept as the reseller's."""
    listed = {"tencent/deepseek-x": row("tencent", 9e-6), "deepseek/deepseek-x": row("deepseek")}
    for order in (listed, dict(reversed(listed.items()))):
        models, resellers, _ends = catalogue(order, EMPTY)
        assert (models["deepseek-x"]["input"], models["deepseek-x"]["provider"]) == (1.0, "deepseek")
        assert resellers["hunyuan"]["deepseek-x"]["input"] == 9.0


def test_only_chat_models_are_kept() -> None:
    """Embeddings, pictures and providers that nobody connects to are left out."""
    listed = {
        "text-embedding-9": row("openai", mode="embedding"),
        "gpt-realtime-9": row("openai"),
        "elsewhere/m": row("elsewhere"),
        "ft:gpt-9": row("openai"),
        "gpt-9": row("openai"),
    }
    assert set(catalogue(listed, EMPTY)[0]) == {"gpt-9"}


def test_input_limits_become_windows() -> None:
    """Where the list tells the most that a prompt may have, the window also holds the reply."""
    listed = {"gpt-9": row("openai", max_input_tokens=922_000, max_output_tokens=128_000)}
    made = catalogue(listed, EMPTY)[0]["gpt-9"]
    assert (made["context"], made["max_input"]) == (1_050_000, 922_000)


def test_prices_by_size_and_hour() -> None:
    """Tiers, prices above a size and off-peak prices become rates."""
    peak = {
        "input_cost_per_token": 5e-7,
        "windows": [
            {"hours_utc": ["00:00-01:00"], "weekdays": [1, 2]},
            {"hours_utc": "00:00-00:00", "weekdays": [7]},
        ],
    }
    tiers = [
        {"range": [0, 32000.0], "input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6},
        {"range": [32000.0, 64000.0], "input_cost_per_token": 3e-6, "output_cost_per_token": 6e-6},
    ]
    listed = {
        "a": row("deepseek", off_peak_pricing=peak),
        "b": row("dashscope", tiered_pricing=tiers),
        "c": row("xai", input_cost_per_token_above_200k_tokens=2e-6, output_cost_per_token_above_200k_tokens=4e-6),
    }
    models = catalogue(listed, EMPTY)[0]
    assert models["a"]["rates"] == [{"hours": [["12", "00:00-01:00"], ["7", "00:00-00:00"]], "input": 0.5}]
    assert (models["b"]["input"], models["b"]["rates"]) == (1.0, [{"above": 32000, "input": 3.0, "output": 6.0}])
    assert models["c"]["rates"] == [{"above": 200_000, "input": 2.0, "output": 4.0}]


def test_corrections_win() -> None:
    """A correction adds, replaces and, with null, removes; ends lead to a model that lasts and is known."""
    listed = {
        "a": row("xai", deprecation_date="2026-01-01", successor_model="xai/b"),
        "b": row("xai", deprecation_date="2026-06-01", successor_model="xai/c"),
        "c": row("xai"),
    }
    corrections = {
        "models": {
            "c": {"input": None, "context": 5, "source": "here"},
            "d": {"provider": "xai", "source": "here"},
        },
        "resellers": {"together": {"c": {"provider": "together", "source": "here"}}},
        "retirements": {"xai": {"e f": {"date": "2026-02-02", "successor": "nobody knows", "source": "here"}}},
    }
    models, resellers, ends = catalogue(listed, corrections)
    assert "input" not in models["c"]
    assert (models["c"]["context"], models["d"]["provider"]) == (5, "xai")
    assert resellers["together"]["c"]["provider"] == "together"
    assert ends["xai"] == {
        "a": {"date": "2026-01-01", "successor": "c"},
        "b": {"date": "2026-06-01", "successor": "c"},
        "e": {"date": "2026-02-02"},
        "f": {"date": "2026-02-02"},
    }


def test_the_catalogue_is_what_the_script_makes() -> None:
    """The files in the package are made from the list and the corrections beside the script, without a network."""
    for name, text in made().items():
        assert (CATALOGUE / name).read_text(encoding="utf-8") == text, f"run .dev/catalogue.py: {name} is older"


def test_the_list_holds_what_is_used_alone() -> None:
    """What the script keeps of a price list gives the same catalogue as the whole, in any order of its rows."""
    listed = json.loads(PRICES.read_text(encoding="utf-8"))
    corrections = json.loads(CORRECTIONS.read_text(encoding="utf-8"))
    assert used(listed) == listed
    whole = {
        key: {**row, "supports_audio_output": True, "input_cost_per_audio_token": 1.0}
        for key, row in reversed(listed.items())
    }
    assert used(whole) == listed
    assert catalogue(whole, corrections) == catalogue(listed, corrections)


def test_a_newer_list_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a list as argument the script keeps what it uses of it, and makes the catalogue from that."""
    import catalogue as script

    monkeypatch.setattr(script, "PRICES", tmp_path / "prices.json")
    monkeypatch.setattr(script, "CATALOGUE", tmp_path)
    (tmp_path / "list.json").write_text(
        json.dumps({"xai/a": row("xai", supports_vision=True, notes="long"), "elsewhere/b": row("elsewhere")})
    )
    main(str(tmp_path / "list.json"))
    kept = json.loads((tmp_path / "prices.json").read_text())
    assert kept == {"xai/a": {**row("xai"), "supports_vision": True}}
    assert json.loads((tmp_path / "models.json").read_text())["a"]["vision"] is True
    assert (tmp_path / "prices.json").read_text() == text_of(kept, nested=False)
