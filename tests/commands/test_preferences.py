"""/set and its kin: ranges, meanings, what travels in a request, and where it stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptchat import words
from gptchat.config import schema
from gptchat.config.parse import parse_setting
from gptchat.errors import UsageError
from gptchat.manager import Send
from tests.support.program import command, compose_program, data, effects, running, settings_for, shown, turn
from tests.support.server import Server, refuse, say

WRONG = {
    "temperature": "2.5",
    "top_p": "-0.1",
    "n": "0",
    "max_tokens": "none at all",
    "effort": "enormous",
    "logit_bias": '{"5": 101}',
    "response_format": "xml",
    "seed": "1e400",
    "stop": "[1]",
    "moderation": "sometimes",
}


def test_a_value_out_of_range_is_refused_before_sending(tmp_path: Path, server: Server) -> None:
    """/set refuses what is out of range with the range and the meaning, and nothing is changed or sent."""
    program = compose_program(tmp_path, settings_for(server.url))
    with running(program) as loop:
        for key, value in WRONG.items():
            before = program.services.settings.get(key)
            with pytest.raises(UsageError) as refused:
                loop.run(command(program, f"/set {key} {value}"))
            setting = schema.find(key)
            assert setting is not None
            assert setting.meaning in refused.value.message
            assert refused.value.hint == setting.summary
            assert program.services.settings.get(key) == before
    assert not server.requests


@settings(max_examples=60, deadline=None)
@given(st.floats(allow_nan=True, allow_infinity=True))
def test_any_number_is_in_range_or_refused(number: float) -> None:
    """Whatever number is given as temperature, it is taken as it is within 0 and 2 and refused elsewhere."""
    if 0 <= number <= 2:
        assert parse_setting("temperature", repr(number)) == number
    else:
        with pytest.raises(UsageError):
            parse_setting("temperature", repr(number))


def test_every_parameter_travels(tmp_path: Path, server: Server) -> None:
    """What /set sets goes out with the next request, by the API's names, and /unset takes it back."""
    wanted = {
        "temperature": ("0,5", 0.5),
        "top_p": ("0.9", 0.9),
        "max_tokens": ("1_000", 1000),
        "frequency_penalty": ("-1", -1),
        "presence_penalty": ("1", 1),
        "stop": ("###", "###"),
        "seed": ("7", 7),
        "logit_bias": ('{"50256": -100}', {"50256": -100}),
        "response_format": ("json", {"type": "json_object"}),
    }
    program = compose_program(tmp_path, settings_for(server.url, extra_body="{top_k = 40}"))
    with running(program) as loop:
        for key, (text, _value) in wanted.items():
            loop.run(command(program, f"/set {key} {text}"))
        loop.run(turn(program, Send("hello")))
        body = server.requests[-1].json
        assert {key: body[key] for key in wanted} == {key: value for key, (_text, value) in wanted.items()}
        assert body["top_k"] == 40
        for key in wanted:
            loop.run(command(program, f"/unset {key}"))
        loop.run(turn(program, Send("hello")))
    assert not set(wanted) & set(server.requests[-1].json)


def test_a_setting_says_what_it_means(tmp_path: Path, server: Server) -> None:
    """/set KEY shows the value, the meaning and the range; an unknown key names the nearest."""
    program = compose_program(tmp_path, settings_for(server.url))
    with running(program) as loop:
        text = loop.run(command(program, "/set temperature"))
        assert "temperature = none" in text
        assert "a number from 0 to 2" in text
        with pytest.raises(UsageError) as refused:
            loop.run(command(program, "/set temprature 1"))
    assert "temperature" in refused.value.hint


def test_a_setting_tells_its_option_and_variable(tmp_path: Path) -> None:
    """`/set KEY` names the options and the variable that set it too; a provider's variable only where it holds."""
    program = compose_program(tmp_path, "")
    with running(program) as runner:
        assert "also set by -m, --model, GPTCHAT_MODEL" in runner.run(command(program, "/set model"))
        assert "also set by OPENAI_BASE_URL" in runner.run(command(program, "/set providers.openai.base_url"))
        for key in ("providers.work.base_url", "temperature"):
            assert "also" not in runner.run(command(program, f"/set {key}"))


def test_headers_are_never_shown(tmp_path: Path, server: Server) -> None:
    """Headers may carry a secret: /set and /config show their names alone, for people and for scripts."""
    program = compose_program(tmp_path, settings_for(server.url, headers='{X-Own = "hidden-word"}'))
    with running(program) as loop:
        key = "providers.test.headers"
        change = f'/set {key} {{"X-Own": "hidden-word"}}'
        for line in ("/set", f"/set {key}", "/config", "/doctor", change, f"/unset {key}"):
            found = loop.run(effects(program, line))
            assert "hidden-word" not in str(found), line
            assert data(found) is not None or line == "/doctor"
        assert "X-Own = ****" in loop.run(command(program, "/set providers.test.headers"))


def test_a_network_setting_holds_at_once(tmp_path: Path, server: Server) -> None:
    """A proxy that is set in the chat is used by the next request, not only after a restart."""
    program = compose_program(tmp_path, settings_for(server.url))
    with running(program) as loop:
        loop.run(turn(program, Send("hello")))
        loop.run(command(program, "/set network.max_retries 0"))
        loop.run(command(program, "/set network.proxy http://127.0.0.1:1"))
        events = loop.run(turn(program, Send("hello")))
        assert "proxy" in str(events[-1])


def test_the_language_changes_with_the_setting(tmp_path: Path, server: Server) -> None:
    """/set ui.lang zh speaks Chinese at once, as /lang zh does."""
    program = compose_program(tmp_path, settings_for(server.url))
    try:
        with running(program) as loop:
            loop.run(command(program, "/set ui.lang zh"))
            assert words.language() == "zh"
            loop.run(command(program, "/set ui.lang en"))
            assert words.language() == "en"
    finally:
        words.choose("en")


def test_rate_limits_are_told(tmp_path: Path, server: Server) -> None:
    """/status shows the allowance that the server told with its last answer."""
    server.headers = {"x-ratelimit-remaining-requests": "9", "x-ratelimit-limit-requests": "10",
                      "x-ratelimit-reset-requests": "6m0s"}  # fmt: skip
    program = compose_program(tmp_path, settings_for(server.url))
    with running(program) as loop:
        assert "requests left" not in loop.run(command(program, "/status"))
        loop.run(turn(program, Send("hello")))
        found = loop.run(effects(program, "/status"))
        assert "9 / 10 (full again in 6m0s)" in loop.run(command(program, "/status"))
    assert data(found)["rate_limits"]["remaining_requests"] == 9


def test_a_setting_that_the_model_does_not_take_is_said_so(tmp_path: Path, server: Server) -> None:
    """After a refusal, /set and /status say that the parameter is left out, and forgetting it sends it again."""
    program = compose_program(tmp_path, settings_for(server.url), "-o", "temperature=0.3", "-o", "top_p=0.5")
    with running(program) as loop:
        server.script(refuse(400, "m doesn't support temperature=0.3 while reasoning is active"), say("hello"))
        loop.run(turn(program, Send("hi")))
        assert "temperature" not in server.requests[-1].json
        assert "left out" in loop.run(command(program, "/set temperature 0.4"))
        assert "left out" in loop.run(command(program, "/set temperature"))
        assert "left out" not in loop.run(command(program, "/set top_p 0.4"))
        told = loop.run(effects(program, "/status"))
        assert data(told)["left_out"] == ["temperature"]
        assert "temperature" in shown(told)
        assert "/doctor --forget test" in shown(told)
        loop.run(command(program, "/doctor --forget test"))
        assert "left out" not in loop.run(command(program, "/set temperature 0.5"))
        loop.run(turn(program, Send("again")))
        assert server.requests[-1].json["temperature"] == 0.5


def test_looking_changes_nothing(tmp_path: Path, server: Server) -> None:
    """/system and /preset without a word show what is in force, and it stays in force."""
    config = settings_for(server.url) + '[presets.brief]\nsystem = "Be brief"\ntemperature = 0.25\n'
    program = compose_program(tmp_path, config)
    with running(program) as loop:
        assert "no system prompt" in loop.run(command(program, "/system"))
        told = loop.run(command(program, "/preset brief"))
        assert "preset brief is in use" in told
        assert "0.25" in told
        assert loop.run(command(program, "/system")).strip() == "Be brief"
        assert "brief" in loop.run(command(program, "/preset"))
        loop.run(turn(program, Send("hello")))
        assert server.requests[-1].json["messages"][0] == {"role": "system", "content": "Be brief"}
        assert server.requests[-1].json["temperature"] == 0.25
        loop.run(command(program, "/preset none"))
        loop.run(turn(program, Send("hello")))
    assert server.requests[-1].json["messages"][0]["role"] == "user"
    assert "temperature" not in server.requests[-1].json
