"""Keys are no names: what looks like one is refused wherever a name is asked for, and masked."""

from __future__ import annotations

import string
import uuid
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from gptchat.config.key_text import require_name
from gptchat.errors import ConfigurationError, GptchatError, UsageError
from gptchat.manager import Send
from gptchat.redaction import looks_like_key, redact
from gptchat.storage.users import ensure_user, validate_name
from tests.support.program import compose_program, effects, running, settings_for, turn
from tests.support.server import Server

ALPHANUMERIC = string.ascii_letters + string.digits
PREFIXES = [
    "sk-",
    "sk-proj-",
    "sk-ant-api03-",
    "gsk_",
    "xai-",
    "hf_",
    "pplx-",
    "AIza",
    "nvapi-",
    "r8_",
    "ghp_",
    "csk-",
    "npm_0",
    "dop_v1_0",
    "whsec_0",
    "shpat_0",
    "ya29.",
    "LTAI",
    "AKLT",
    "AGE-SECRET-KEY-1",
]
long = st.text(ALPHANUMERIC, min_size=24, max_size=60)
keys = st.one_of(
    st.builds(str.__add__, st.sampled_from(PREFIXES), long),
    st.uuids().map(str),
    st.uuids().map(lambda one: one.hex).filter(lambda text: not text.isdecimal() and not text.isalpha()),
    st.builds("{}.{}".format, st.uuids().map(lambda one: f"a1{one.hex[2:]}"), long),
    st.builds("eyJ{}.eyJ{}.{}".format, long, long, long),
    st.builds("SG.{}.{}".format, long, long),
)


@given(keys)
@examples(max_examples=60)
def test_keys_of_all_makers_are_recognised(key: str) -> None:
    """OpenAI's, Anthropic's, Azure's, Zhipu's, Volcengine's, Google's and others' keys are no names."""
    assert looks_like_key(key)
    assert looks_like_key(f"  {key} ")
    with pytest.raises(UsageError) as refused:
        require_name(key)
    assert key not in refused.value.message + refused.value.hint
    assert key not in redact(f"the name {key} is shown")


NAMES = [
    "alice", "张三", "Ann-Marie O'Neill", "work", "local-2", "my company", "gpt-6.1-terra", "deepseek-chat",
    "llama-3.3-70b-instruct-q4_K_M", "Qwen2.5-Coder-32B-Instruct", "ep-20260101120000-abcde",
    "20261120-083015-4f2a", "sk", "task-force", "prod-eu-west-gateway-2026", "x" * 64, "1" * 30,
    "desk-organisation", "risk-assessment", "sk-learn-contrib",
    "npm_package_lifecycle_event", "sk_model_selection",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_names_stay_names(name: str) -> None:
    """Names of people, providers, models and sessions are not taken for keys."""
    assert not looks_like_key(name)
    assert require_name(name) == name


@pytest.mark.parametrize("topic", ["Tutorial", "TypeScript", "JavaScript.", "Definitions of it", "DEFINITIONS"])
def test_the_basics_of_a_topic_are_no_login(topic: str) -> None:
    """A title such as `Basic TypeScript` is shown; the login of HTTP that begins so is masked."""
    for basic in ("Basic", "basic", "BASIC"):
        assert redact(f"{basic} {topic}") == f"{basic} {topic}"
    assert redact(f"the bearer {topic.lower()}") == f"the bearer {topic.lower()}"
    assert "a1b2c3d4e5" not in redact("Bearer a1b2c3d4e5")
    for login in ("dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZDEy", "QWxhZGRpbjpvcGVu"):
        assert login not in redact(f"Authorization: Basic {login}.")


@given(st.lists(st.text(string.ascii_lowercase, min_size=1, max_size=9), min_size=1, max_size=5))
@example(["sk", "a"])
@examples(max_examples=60)
def test_words_are_no_keys(words: list[str]) -> None:
    """Words, also joined, are names."""
    assert not looks_like_key(" ".join(words))


KEY = "sk-proj-" + uuid.UUID(int=2**100 + 7).hex


@pytest.mark.parametrize(
    "line",
    [f"/user {KEY}", f"/provider {KEY}", f"/model {KEY}", f"/rename {KEY}", f"/new {KEY}", f"/preset {KEY}"],
)
def test_no_command_takes_a_key_for_a_name(tmp_path: Path, line: str) -> None:
    """A key typed after a command that wants a name is refused, not repeated, and not saved."""
    with Server() as server:
        program = compose_program(tmp_path, settings_for(server.url))
        with running(program) as loop, pytest.raises(GptchatError) as refused:
            loop.run(effects(program, line))
    assert "looks like a key" in refused.value.message
    assert KEY not in refused.value.message + refused.value.hint
    program.services.people.switch("ann")
    assert not [path for path in tmp_path.rglob("*") if KEY in path.name]
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


def test_a_key_is_no_new_person(tmp_path: Path) -> None:
    """-u and /user make nobody of a key; whoever was called so before keeps their sessions."""
    with pytest.raises(UsageError):
        ensure_user(tmp_path, KEY)
    assert not list(tmp_path.rglob("*sk-proj*"))
    with pytest.raises(UsageError):
        validate_name(KEY)
    assert validate_name(KEY, new=False) == KEY
    with pytest.raises((UsageError, ConfigurationError)):
        compose_program(tmp_path, "", "-u", KEY)


def test_a_proposed_title_is_not_a_key(tmp_path: Path) -> None:
    """A key that is pasted at the question for a title is refused as well."""
    with Server() as server:
        program = compose_program(tmp_path, settings_for(server.url))
        with running(program) as loop:
            loop.run(turn(program, Send("hello")))
            with pytest.raises(UsageError, match="looks like a key"):
                loop.run(effects(program, "/rename", KEY))
