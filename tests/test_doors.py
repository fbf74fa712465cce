"""One door to the terminal, one mask, one opener: no line of the program goes around them without a reason."""

from __future__ import annotations

import ast
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gptchat
from gptchat.core.safe import clean, escaped
from gptchat.redaction import MASK, redact, redact_command, redacted
from gptchat.terminal.door import print_document, say, show

ROOT = Path(gptchat.__file__).parent

PRINTS = {
    "terminal/door.py": "the door of one-shot runs",
    "cli.py main": "the version, which is ours",
    "config/flags.py parse": "the help of the command line, which is ours",
    "terminal/oneshot.py _line": "a question, cleaned where it is put together",
    "terminal/output/dumb_terminal.py _blocking_line": "reads a line, and asks nothing",
}
"""Where `print`, `input` or a standard stream is used, and why it may be."""

WRITES = {
    "terminal/output/screen.py": "the door of the chat",
    "terminal/output/plain_output.py": "a reply: exact in a pipe, made safe for a terminal before",
    "terminal/output/dumb_terminal.py": "a question, cleaned by who asks it, and the line that is typed",
    "terminal/columns/output.py": "prompt_toolkit's own output, which the fragments of the screen go through",
    "terminal/encoding.py": "what is on its way out, in the locale's encoding",
    "terminal/input/prompt.py": "a sentence of ours",
    "terminal/input/picker.py": "a sentence of ours",
    "terminal/effect_runner.py": "line feeds",
    "terminal/transcript.py": "line feeds",
    "files/": "files",
    "cli.py _show_script": "a script of ours",
    "terminal/completing/shell.py": "candidates for the shell, cleaned there",
    "conversation/batches/": "files",
    "config/example.py": "the example file, made while the program is developed",
    "exchange/importing.py": "files",
    "manager/reply.py": "the file of the reply that streams",
    "foreign/": "what the process that reads for us is told, and answers",
    "terminal/notices/bell.py": "control sequences, and a title that is cleaned there",
    "terminal/oneshot.py _unseen": "a line feed",
    "net/connecting.py": "a connection",
    "net/local_servers.py": "a request to a server of this machine",
    "tools/servers/stdio.py": "requests to a server that was started for them",
    "commands/output.py": "source text of a request, which is shown by the door",
}
"""Where something is called `write`, and why it may be."""

ERRORS = {
    "words.py": "the words for an error, which go through the door",
    "providers/faults/failures.py": "shortened and masked by `shorten`",
    "providers/azure.py": "shortened and masked by `shorten`",
    "attachments/addresses.py": "masked where it is told",
    "foreign/office.py": "told through the door",
    "foreign/pdf.py": "told through the door",
    "config/load.py": "told through the door",
    "foreign/pictures.py": "told through the door",
    "net/": "what libraries for connections, certificates and compression say, masked where servers have a say",
    "terminal/debugging.py unexpected": "told through the door",
    "tools/": "cleaned and masked by `text.failed`, where they become a result",
    "core/replies/media.py": "an error's words for another error",
    "knowledge/documents.py": "what SQLite says of a file of ours, told through the door",
}
"""Where an error becomes text, and why it may."""

OPENS = {
    "files/": "the opener",
    "cli.py": "the null device",
    "leaving.py": "the null device",
    "foreign/office.py": "members of an archive",
    "terminal/chat.py": "the null device",
    "vendors/__init__.py": "a file of the package",
    "catalogue/__init__.py": "a file of the package",
    "providers/demo/provider.py": "a file of the package",
    "tools/python_child.py": "the request and the answer of the process that runs a person's functions",
    "tools/python_files.py": "the same, in a folder that was made for them",
    "attachments/": "a file that a person named, looked at first by `loading` or `policy`",
    "terminal/input/editor.py": "the draft in a folder that was made for it",
    "exchange/readers.py": "members of an archive, and the copy of a database",
    "exchange/shelves.py": "members of an archive",
}
"""Where a file is opened without the opener, and why it may be."""


@cache
def calls() -> Sequence[tuple[str, str, ast.Call]]:
    """Every call in the program, with its file and the function around it."""
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        waiting: list[tuple[ast.AST, str]] = [(ast.parse(path.read_text(encoding="utf-8")), "")]
        while waiting:
            node, function = waiting.pop()
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                function = node.name
            if isinstance(node, ast.Call):
                found.append((name, function, node))
            waiting += [(child, function) for child in ast.iter_child_nodes(node)]
    return found


def excused(reasons: dict[str, str], name: str, function: str) -> str:
    """The entry of `reasons` that names the file, the folder or the function; empty if there is none."""
    for entry in reasons:
        file, _blank, inside = entry.partition(" ")
        if (name == file or (file.endswith("/") and name.startswith(file))) and inside in ("", function):
            return entry
    return ""


def around(reasons: dict[str, str], found: Iterable[tuple[str, str, ast.Call]]) -> list[str]:
    """The calls in `found` that no entry excuses, and the entries that excuse nothing."""
    used, wrong = set(), []
    for name, function, call in found:
        if entry := excused(reasons, name, function):
            used.add(entry)
        else:
            wrong.append(f"{name}:{call.lineno} {function}: {ast.unparse(call)[:80]}")
    return wrong + [f"{entry} excuses nothing" for entry in reasons if entry not in used]


def called(call: ast.Call) -> str:
    """`print`, or `.write` of a method."""
    if isinstance(call.func, ast.Name):
        return call.func.id
    return f".{call.func.attr}" if isinstance(call.func, ast.Attribute) else ""


def test_whatever_is_printed_goes_through_the_door() -> None:
    """Nobody prints but the door, and a short list of places whose words are ours."""
    printing = ("print", "input", "pprint", "print_exc", ".print_exc", ".print_exception", "breakpoint")
    assert around(PRINTS, (one for one in calls() if called(one[2]) in printing)) == []


def test_whatever_is_written_goes_through_the_door() -> None:
    """No stream is written to but by the door, and where files are."""
    writing = (".write", ".writelines")
    assert around(WRITES, (one for one in calls() if called(one[2]) in writing)) == []


def test_errors_become_words_in_few_places() -> None:
    """An error's own text, which may hold what a server said, is told where it is masked."""
    names = ("error", "failure", "fault", "exception", "exc", "e")

    def telling() -> Iterator[tuple[str, str, ast.Call]]:
        for name, function, call in calls():
            told = call.args[:1] if called(call) in ("str", "repr") else []
            told = told or [keyword.value for keyword in call.keywords if called(call) == ".format"]
            if any(isinstance(one, ast.Name) and one.id in names for one in told):
                yield name, function, call

    assert around(ERRORS, telling()) == []


def test_files_are_opened_by_the_opener() -> None:
    """No file is opened, read or linked to but by the opener, and where a person named it."""
    opening = ("open", ".read_bytes", ".read_text", ".write_bytes", ".write_text", ".mkstemp")

    def found() -> Iterator[tuple[str, str, ast.Call]]:
        for name, function, call in calls():
            text = ast.unparse(call)
            raw = called(call) == ".open" and (text.startswith("os.open(") or "'rb'" in text or "archive" in text)
            if raw or (called(call) in opening and "journal.read_bytes" not in text):
                yield name, function, call

    assert around(OPENS, found()) == []


HOSTILE = "a\x1b]52;c;AAAA\x07\x9b31m\u202eb\x7f\u2066\ud800"


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        """It is."""
        return True


@given(
    st.recursive(st.text() | st.just(HOSTILE), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
)
def test_documents_on_a_terminal(document: object) -> None:
    """A JSON document on a terminal is the same document, and holds nothing that a terminal would act on."""
    stream = Terminal()
    print_document(document, stream)
    printed = stream.getvalue()
    assert clean(printed) == printed
    assert json.loads(printed) == document


def test_what_goes_into_a_pipe_is_exact() -> None:
    """A reply that goes into a pipe is what the model wrote; on a terminal it is made safe."""
    pipe, terminal = io.StringIO(), Terminal()
    show(HOSTILE, pipe)
    show(HOSTILE, terminal)
    assert pipe.getvalue() == HOSTILE + "\n"
    assert "\x1b" not in terminal.getvalue()
    say(f"{HOSTILE} https://ann:word@host/", pipe)
    assert pipe.getvalue().endswith(f"https://{MASK}@host/\n")


def test_escapes_are_json() -> None:
    """Escapes for a terminal are those of JSON, also beyond the first plane."""
    assert json.loads(escaped('"\U000e0041\x9b"')) == "\U000e0041\x9b"
    assert escaped('"é数👩\u200d👩"') == '"é数👩\u200d👩"'


SECRETS = (
    "http://ann:{}@host/",
    "@http://u:{}@host/",
    "http://:{}@host/v1",
    "socks5h://ann:{}@127.0.0.1:1080",
    "https://host/v1?token={}",
    "https://host/v1?a=b&api_key={}#x",
    "https://host/?access-token={}&b=c",
    "wss://host/?x-amz-signature={}",
    "Authorization: Bearer {}",
    "AUTHORIZATION: BEARER {}",
    "x-api-key: {}",
    "https://hooks.slack.com/services/T01234567/B01234567/{}",
    "https://discord.com/api/webhooks/1234567890/{}",
    "https://open.feishu.cn/open-apis/bot/v2/hook/{}",
    "https://contoso.webhook.office.com/webhookb2/{}/IncomingWebhook/7/9",
    "https://api.telegram.org/bot123456789:{}/sendMessage",
)
COMMANDS = (
    "echo {}",
    "printf '%s' {}",
    "KEY={} get-key",
    "OPENAI_API_KEY={} printenv OPENAI_API_KEY",
    "curl -u ann:{} https://vault/key",
    "curl -s https://vault/key?token={}",
    "curl -H 'X-Token: {}' https://vault/key",
    "vault --token={} read key",
    "vault --password {} read key",
    "decrypt {}",
)
words = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=14, max_size=20)


@given(st.sampled_from(SECRETS), words, st.integers(10_000_000, 99_999_999))
def test_the_mask_knows_the_shapes(shape: str, letters: str, number: int) -> None:
    """A password or key in an address or a header is masked, whatever it is and wherever it stands."""
    secret = f"{letters}{number}"
    for text in (shape.format(secret), f"({shape.format(secret)}), and more", f'"{shape.format(secret)}"'):
        assert secret not in redact(text)
        assert redact(redact(text)) == redact(text)
    assert secret not in json.dumps(redacted({"a": [shape.format(secret)], "b": {"c": shape.format(secret)}}))


@given(st.sampled_from((*COMMANDS, *SECRETS)), words, st.integers(10_000_000, 99_999_999))
def test_keys_in_commands(shape: str, letters: str, number: int) -> None:
    """A key that is written into a command of the settings is masked wherever the command is shown."""
    secret = f"{letters}{number}"
    assert secret not in redact_command(shape.format(secret))


@pytest.mark.parametrize(
    "text",
    [
        "pass show openai/key",
        "op read op://Private/OpenAI/credential",
        "security find-generic-password -s openai -w",
        "cat ~/.config/openai/key-2026.txt",
        "gpg -d /home/ann/keys/openai2.gpg",
        "http://localhost:8080/v1?model=m",
        "https://host:8443/a@b",
        "mail ann@example.org, see https://example.org/?page=5&sort=token",
        "max_tokens=5; temperature=0.2",
        "https://docs.example.org/en/webhooks/about-webhooks-for-repositories",
        "https://api.telegram.org/bot<token>/sendMessage",
    ],
)
def test_what_is_no_secret_is_shown(text: str) -> None:
    """The mask leaves commands, addresses and settings readable."""
    assert redact_command(text) == text == redact(text)


@pytest.mark.parametrize(
    "part",
    [
        "://a:",
        "?a",
        ";a_",
        "eyJ",
        "a-",
        "sk-",
        "basic ",
        "hf_a",
        "AIza",
        "://" + "a" * 30,
        "://hook/a",
        "://hookhook",
    ],
)
def test_the_mask_is_linear(part: str) -> None:
    """Masking a long text takes time in proportion to its length."""
    from time import process_time

    def seconds(length: int) -> float:
        text = part * (length // len(part))
        begin = process_time()
        redact(text)
        return process_time() - begin

    small = min(seconds(100_000) for _time in range(3))
    assert seconds(400_000) < 12 * small + 0.05
