"""Every failure of a server that was recorded, of the network or of the SDK arrives as one of our errors."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx2
import openai
import openai._response
import openai.lib._old_api
import openai.lib.azure
import pytest

from gptchat.errors import GptchatError
from gptchat.providers.faults.failures import NAMES, Endpoint, explain, may_retry
from gptchat.providers.faults.refusals import error_of
from tests.providers.asking import ask, provider, question
from tests.support.server import Reply, Server, raw, refuse

TRANSCRIPTS = Path(__file__).with_name("transcripts")
ENDPOINT = Endpoint("test", "http://localhost/v1", "m", "give the key")

RECORDED = {
    "llamacpp/04-wrong-key.txt": "authentication",
    "llamacpp/04b-no-key.txt": "authentication",
    "llamacpp/04c-wrong-key-models.txt": "authentication",
    "llamacpp/05-unknown-model.txt": "",
    "llamacpp/06-too-long.txt": "context_length",
    "llamacpp/06b-too-long-stream.txt": "context_length",
    "llamacpp/11b-azure-api-key.txt": "authentication",
    "llamacpp/12-bad-json.txt": "bad_request",
    "llamacpp/12c-unknown-route.txt": "not_found",
    "llamacpp/15-killed-midstream.sse": "protocol",
    "llamacpp/09-tools-stream.sse": "",
    "llamacpp/10-reasoning-stream.sse": "",
    "llamacpppy/01-stream-usage.sse": "",
    "llamacpppy/04-wrong-key.txt": "authentication",
    "llamacpppy/04b-no-key.txt": "authentication",
    "llamacpppy/04c-wrong-key-models.txt": "authentication",
    "llamacpppy/05-unknown-model.txt": "",
    "llamacpppy/06-too-long.txt": "context_length",
    "llamacpppy/06b-too-long-stream.txt": "protocol",
    "llamacpppy/06b-too-long-stream.sse": "protocol",
    "llamacpppy/09-tools-stream.sse": "",
    "llamacpppy/12-bad-json.txt": "server",
    "llamacpppy/12c-unknown-route.txt": "not_found",
}


def replayed(path: Path) -> Reply:
    """A recorded answer, to be given again."""
    data = path.read_bytes()
    if path.suffix == ".sse":
        return raw(data)
    _comment, _http, rest = data.partition(b"HTTP/1.1 ")
    head, _blank, body = rest.replace(b"\r\n", b"\n").partition(b"\n\n")
    status, *headers = head.decode().splitlines()
    kind = next(
        (line.partition(":")[2].strip() for line in headers if line.lower().startswith("content-type")), ""
    )
    return raw(body.strip(), status=int(status.split()[0]), content_type=kind)


def test_every_recording_is_in_the_table() -> None:
    """No recorded answer of a real server goes untested."""
    found = {str(path.relative_to(TRANSCRIPTS).as_posix()) for path in TRANSCRIPTS.rglob("*.*")}
    assert found == set(RECORDED)


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_answers(server: Server, name: str) -> None:
    """What real servers answered is told as what it is, with a hint, and a success stays one."""
    server.script(replayed(TRANSCRIPTS / name))

    outcome = ask(provider(server.url))

    kind = RECORDED[name]
    assert (outcome.error.kind if outcome.error else "") == kind
    if outcome.error:
        assert outcome.error.message
        assert outcome.error.hint
    else:
        assert outcome.text or outcome.calls
        assert outcome.ends


def test_a_killed_server_leaves_the_partial_reply(server: Server) -> None:
    """What came before a server died has been handed on."""
    server.script(replayed(TRANSCRIPTS / "llamacpp/15-killed-midstream.sse"))

    outcome = ask(provider(server.url))

    assert outcome.text.endswith("code:")


@pytest.mark.parametrize(
    ("message", "limit", "requested"),
    [
        ("This model's maximum context length is 4,096 tokens. However, you requested 5,000 tokens", 4096, 5000),
        ("prompt is too long: 208310 tokens > 200000 maximum", 200000, 208310),
        ("Range of input length should be [1, 30720]", 30720, None),
        (
            "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
            1048576,
            1200000,
        ),
        (
            "request (18023 tokens) exceeds the available context size (1024 tokens), try increasing it",
            1024,
            18023,
        ),
        ("Your input exceeds the context window of this model", None, None),
        ("Your request exceeded model token limit: 131072 (requested: 150321)", 131072, 150321),
        ("prompt token count of 67000 exceeds the limit of 64000", 64000, 67000),
        ("请求超过模型的最大上下文长度 32768", 32768, None),
        ("输入长度超过模型上下文长度限制 32768", 32768, None),
        ("输入的 tokens 数量超出模型上限 8192", 8192, None),
        ("上下文长度超出限制：最大 16384 tokens，当前 20000 tokens", 16384, 20000),
        ("当前请求的 token 数（9000）超过了模型支持的最大 token 数（8192）", 8192, 9000),
        ("总长度不能超过8192个token", 8192, None),
        ("输入内容过长，请缩短后重试", None, None),
        ("messages 总长度超出限制", None, None),
        ("内容长度不能超过 2000 个字符", None, None),  # characters are not tokens
    ],
)
def test_windows_in_prose(server: Server, message: str, limit: int | None, requested: int | None) -> None:
    """The window and the size of the request are read out of a server's sentence."""
    server.script(refuse(400, message))

    failure = ask(provider(server.url)).failure

    assert (failure.kind, getattr(failure, "limit", 0), getattr(failure, "requested", 0)) == (
        "context_length",
        limit,
        requested,
    )


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("max_tokens 不能超过 4096", "bad_request"),
        ("每分钟 token 数超过限制 6000", "rate_limit"),
        ("您的免费 token 额度已超过上限 5000", "quota"),
        ("图片长度超过限制", "bad_request"),
    ],
)
def test_other_bounds_are_not_the_window(server: Server, message: str, kind: str) -> None:
    """A bound of a rate, an account, the reply or a file is not taken for the model's window."""
    server.script(refuse(400, message))
    assert ask(provider(server.url)).failure.kind == kind


def exceptions_of(*modules: object) -> Iterator[type[BaseException]]:
    """Every exception class that these modules define or show."""
    for module in modules:
        for value in list(vars(module).values()):  # modules load parts of themselves on sight
            if isinstance(value, type) and issubclass(value, Exception):
                yield value


def descendants(kind: type[BaseException]) -> Iterator[type[BaseException]]:
    """A class and all that inherit from it."""
    yield kind
    for child in kind.__subclasses__():
        yield from descendants(child)


def test_no_exception_class_is_unmapped() -> None:
    """Every exception class of the SDK and its HTTP library is mapped by name; a new one fails this test."""
    known = set(descendants(openai.OpenAIError)) | set(descendants(httpx2.HTTPError))
    known |= set(descendants(httpx2.StreamError))
    known |= set(exceptions_of(openai, openai._exceptions, openai.lib.azure, openai._response, httpx2))
    names = {
        f"{kind.__module__.partition('.')[0]}.{kind.__name__}"
        for kind in known
        if kind.__module__.startswith(("openai", "httpx2")) and not issubclass(kind, Warning)
    }

    assert names - set(NAMES) == set()
    library = {name for name in NAMES if name.startswith(("openai.", "httpx2."))}
    assert {"openai.RateLimitError", "httpx2.ReadError"} <= library & names


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (httpx2.ConnectTimeout("slow"), "timeout"),
        (httpx2.ReadTimeout("slow"), "timeout"),
        (httpx2.ProxyError("407 Proxy Authentication Required"), "connection"),
        (httpx2.RemoteProtocolError("peer closed connection"), "connection"),
        (httpx2.LocalProtocolError("Illegal header value"), "configuration"),
        (httpx2.UnsupportedProtocol("ftp"), "configuration"),
        (httpx2.InvalidURL("no host"), "configuration"),
        (httpx2.DecodingError("bad gzip"), "protocol"),
        (httpx2.TooManyRedirects("loop"), "protocol"),
        (httpx2.StreamConsumed(), "protocol"),
        (httpx2.CookieConflict("two"), "protocol"),
        (openai.OpenAIError("Missing credentials"), "configuration"),
        (openai.APIConnectionError(request=httpx2.Request("GET", "http://x")), "connection"),
        (openai.APITimeoutError(request=httpx2.Request("GET", "http://x")), "timeout"),
        (json.JSONDecodeError("no", "x", 0), "protocol"),
        (ssl.SSLError(1, "wrong version number"), "connection"),
        (socket.gaierror(-2, "Name or service not known"), "connection"),
        (ConnectionRefusedError(111, "refused"), "connection"),
        (TimeoutError(), "timeout"),
        (UnicodeEncodeError("ascii", "ключ", 0, 1, "ordinal not in range"), "configuration"),
        (RecursionError("too deep"), "protocol"),
        (ZeroDivisionError("surprise"), "protocol"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else value,
)
def test_exceptions(failure: Exception, kind: str) -> None:
    """Whatever a library raises is explained, with a hint, and kept for `--debug`."""
    error = explain(failure, ENDPOINT)

    assert error.kind == kind
    assert error.message
    assert error.hint
    assert error.__cause__ is failure


def test_our_own_errors_pass_unchanged() -> None:
    """An error that is ours already is not explained a second time."""
    error = GptchatError("ours")
    assert explain(error, ENDPOINT) is error


def test_an_untrusted_certificate_is_not_tried_again() -> None:
    """Trying again cannot make a certificate trusted, so it is not tried."""
    failure = httpx2.ConnectError("certificate verify failed")
    failure.__cause__ = ssl.SSLCertVerificationError(1, "certificate verify failed: self-signed certificate")

    error = explain(failure, ENDPOINT)

    assert "ca_file" in error.hint
    assert not may_retry(error)
    assert may_retry(explain(httpx2.ConnectError("no route"), ENDPOINT))
    assert not may_retry(explain(openai.OpenAIError("x"), ENDPOINT))


def test_a_dead_address(server: Server) -> None:
    """Where nothing listens, the address is named and the person asked whether the server runs."""
    server.close()

    failure = ask(provider(server.url), question()).failure

    assert failure.kind == "connection"
    assert server.url in failure.message


@pytest.mark.parametrize(
    "model", ["billing-bot", "context-window-tests", "content-filter", "rate.limit/1", "billing"]
)
def test_the_name_of_a_model_decides_nothing(model: str) -> None:
    """A deployment may be called anything: its name in a refusal is shown, and not read as a reason."""
    body = {"error": {"message": f"The model `{model}` does not take temperature"}}
    error = error_of(400, body, Endpoint("insufficient-quota-lab", model=model))
    assert error.kind == "bad_request"
    assert model in error.message
    assert model in error.said.text


@pytest.mark.parametrize(
    ("message", "names"),
    [
        (
            "The supported API model names are deepseek-v4-pro, deepseek-flash, but you passed deepseek-chat.",
            ("deepseek-v4-pro", "deepseek-flash"),
        ),
        ("The supported API model names are a-1 or b-2, but you passed c.", ("a-1", "b-2")),
        ("model must be one of: 'x-large', 'x-small'", ("x-large", "x-small")),
        ("Unsupported model. Supported models are: m1, m2.", ("m1", "m2")),
    ],
)
def test_a_server_that_names_its_models(message: str, names: tuple[str, ...]) -> None:
    """Who asks for a model that the server does not have is told those that it named."""
    error = error_of(
        400, {"error": {"message": message, "type": "invalid_request_error"}}, Endpoint("x", model="c")
    )
    assert error.kind == "not_found"
    assert all(name in error.hint for name in names)
    assert "/model NAME" in error.hint
