"""Requests as programs for the SDKs of Go, Java, C#, Ruby and PHP: right literals, and the very same body."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import textwrap
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptchat.commands import programs
from gptchat.commands.programs import quoting
from gptchat.commands.programs.request import ShownRequest
from gptchat.errors import UsageError

HOSTILE = (
    *("", "'", '"', '"""', "`", "\\", "\\\\u0041", "#{exit}", "#$x #@x", "$x ${x} {$x}", "?>", "<?php exit; ?>"),
    *("end\nEND\n", "a\r\nb\rc", "\t tab ", "\0", "\x1b[31m", "\ufeffbom", "\u2028\u2029\x85", "\u202eabc"),
    *(
        "\ud83d",
        "\udc00\ud83d",
        "\ud83d\ude00",
        "😀👩‍👩‍👧",
        "中文 “引号”",
        "*/ // # <<<",
        "__proto__",
        "%s %d",
        "\\x41\\101",
    ),
)
TEXTS = st.one_of(
    st.sampled_from(HOSTILE), st.text(max_size=30), st.text(alphabet="\\\"'`#$@{}u0041\n", max_size=20)
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e6, 1e6) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
SDKS = ("go", "java", "csharp", "ruby", "php")


def unquoted(literal: str, signs: str) -> str:
    """The text of a string in double quotes, read as Go, Ruby and PHP read it; no other escape may be there."""
    assert literal[0] == literal[-1] == '"'
    plain = {"n": "\n", "t": "\t", "r": "\r", **{sign: sign for sign in signs}}
    inner = re.compile(r"\\u\{([0-9a-f]+)\}|\\u([0-9a-f]{4})|\\U([0-9a-f]{8})|\\(.)|([^\\\"])", re.DOTALL)
    found, at = [], 1
    while at < len(literal) - 1:
        match = inner.match(literal, at)
        assert match, literal[at:]
        number = match[1] or match[2] or match[3]
        found.append(chr(int(number, 16)) if number else plain[match[4]] if match[4] else match[5])
        at = match.end()
    return "".join(found)


@given(TEXTS)
def test_strings_mean_the_same_in_each_language(text: str) -> None:
    """Whatever is in a text, its literal is one line of visible characters that means that text."""
    wanted = quoting.joined(text)
    assert unquoted(quoting.go(text), '"\\') == wanted
    assert unquoted(quoting.ruby(text), '"\\#') == wanted
    assert not re.search(r"(?<!\\)(\\\\)*#", quoting.ruby(text))
    assert json.loads(quoting.java(text)) == wanted
    php = quoting.php(text)
    if php[0] == '"':
        assert unquoted(php, '"\\$') == wanted
    else:
        assert re.fullmatch(r"'([^'\\]|\\['\\])*'", php)
        assert re.sub(r"\\(['\\])", r"\1", php[1:-1]) == wanted
    for literal in (quoting.go(text), quoting.ruby(text), quoting.java(text), php):
        assert literal.isprintable()


@given(VALUES)
def test_a_document_shows_all_it_holds(value: Any) -> None:
    """The JSON of a program means the body, without a character that cannot be seen, or that ends its literal."""
    text = quoting.document(value, "`")
    assert json.loads(text) == json.loads(json.dumps(value))  # which joins pairs of surrogates
    assert "`" not in text
    assert '"""' not in text
    assert all(line.isprintable() for line in text.split("\n"))


REQUESTS = {
    "chat": ShownRequest(
        "https://host.example/v1/chat/completions?tier=a%20b",
        "HOST_KEY",
        {
            "model": "m",
            "messages": [{"role": "user", "content": text} for text in HOSTILE],
            "stream": True,
            "tools": [{"type": "function", "function": {"name": "f", "parameters": {"properties": {}}}}],
            "logit_bias": {"5": -10},
            "stop": None,
            "__proto__": {"__proto__": '"__proto__": 1'},
        },
        "Authorization: Bearer ",
        {"X-Title": 'it\'s "me" #{1} $x'},
        ("a note ?>\nof two lines",),
    ),
    "responses": ShownRequest(
        "http://127.0.0.1:1/v1/responses",
        "",
        {"model": "m", "input": "hi", "store": False},
        "Authorization: Bearer ",
    ),
    "completions": ShownRequest(
        "http://127.0.0.1:1/v1/completions", "", {"model": "m", "prompt": "hi"}, "Authorization: Bearer "
    ),
    "azure": ShownRequest(
        "https://r.openai.azure.com/openai/deployments/my%20own/chat/completions?api-version=2024-10-21",
        "AZURE_OPENAI_API_KEY",
        {"model": "my own", "messages": [{"role": "user", "content": "hi"}]},
        "api-key: ",
    ),
    "azure-v1": ShownRequest(
        "https://r.openai.azure.com/openai/v1/responses",
        "AZURE_OPENAI_API_KEY",
        {"model": "d", "input": "hi"},
        "api-key: ",
    ),
}


def written(language: str, name: str) -> str:
    """The program in `language` for one of REQUESTS; empty where its SDK cannot send it."""
    try:
        text = programs.write(language, REQUESTS[name])
    except UsageError:
        assert (language, name) == ("csharp", "completions")
        return ""
    text.encode()
    assert '"stream"' not in text
    return text


@pytest.mark.parametrize("language", SDKS)
def test_each_sdk_is_called_as_its_documentation_says(language: str) -> None:
    """/code calls the method that the SDK has for the wire, with the key from its variable."""
    calls = {
        "go": ("client.Chat.Completions.New(", "client.Responses.New(", "client.Completions.New("),
        "java": (
            "client.chat().completions().create(",
            "client.responses().create(",
            "client.completions().create(",
        ),
        "csharp": ("new ChatClient(", "new ResponsesClient(", ""),
        "ruby": ("client.chat.completions.create(", "client.responses.create(", "client.completions.create("),
        "php": ("$client->chat()->create(", "$client->responses()->create(", "$client->completions()->create("),
    }[language]
    for name, call in zip(("chat", "responses", "completions"), calls, strict=True):
        text = written(language, name)
        assert call in text
        assert ("HOST_KEY" in text) is (name == "chat")
        assert "sk-" not in text
    azure = {
        "go": ('azure.WithEndpoint("https://r.openai.azure.com", "2024-10-21")', "azure.WithAPIKey("),
        "java": (
            'AzureOpenAIServiceVersion.fromString("2024-10-21")',
            "AzureUrlPathMode.LEGACY",
            '.model("my own")',
        ),
        "csharp": ("new AzureOpenAIClient(", "ServiceVersion.V2024_10_21", 'GetChatClient("my own")'),
        "ruby": ("/openai/deployments/my%20own", '"api-version" => "2024-10-21"', '"api-key" => ENV'),
        "php": (
            "/openai/deployments/my%20own",
            "withQueryParam('api-version', '2024-10-21')",
            "'api-key', getenv",
        ),
    }[language]
    text = written(language, "azure")
    assert [words for words in azure if words not in text] == []
    assert "r.openai.azure.com/openai/v1" in written(language, "azure-v1")


def test_what_the_sdk_for_c_sharp_lacks_is_told() -> None:
    """/code csharp says that its SDK cannot send a request, or which part of it the SDK has no place for."""
    assert "no place for" in written("csharp", "chat")
    old = REQUESTS["azure"]._replace(url=REQUESTS["azure"].url.replace("2024-10-21", "2023-05-15"))
    assert "in place of 2023-05-15" in programs.write("csharp", old)
    with pytest.raises(UsageError, match="no client for"):
        programs.write("csharp", old._replace(url=old.url.replace("chat/completions", "responses")))


def sent_body(name: str) -> dict[str, Any]:
    """The body as it must arrive: without what asks for a stream, and with single surrogates replaced."""
    body = {key: value for key, value in REQUESTS[name].body.items() if key != "stream"}
    found: dict[str, Any] = json.loads(
        re.sub(r"\\ud[89ab]..(?!\\ud[c-f])|(?<!\\ud83d)\\ud[c-f]..", "\\\\ufffd", json.dumps(body))
    )
    return found


def ran(*arguments: str, folder: Path) -> str:
    """What a program prints."""
    done = subprocess.run(arguments, cwd=folder, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout.decode()


@pytest.mark.skipif(not shutil.which("javac"), reason="needs a JDK")
def test_java_reads_the_programs(tmp_path: Path) -> None:
    """Java's own parser takes the programs, and its text block is the body, byte for byte."""
    for name in REQUESTS:
        (tmp_path / f"{name}.java").write_text(written("java", name), encoding="utf-8")
    block = re.search(r'""".*?"""', written("java", "chat"), re.DOTALL)
    assert block
    (tmp_path / "Check.java").write_text(
        textwrap.dedent(
            """\
            import com.sun.source.util.JavacTask;
            import java.nio.file.*;
            import java.util.*;
            import javax.tools.*;
            public class Check {
                public static void main(String[] files) throws Exception {
                    var compiler = ToolProvider.getSystemJavaCompiler();
                    var troubles = new DiagnosticCollector<JavaFileObject>();
                    var manager = compiler.getStandardFileManager(troubles, null, null);
                    var options = List.of("-encoding", "UTF-8");
                    var units = manager.getJavaFileObjects(files);
                    ((JavacTask) compiler.getTask(null, manager, troubles, options, null, units)).parse();
                    if (!troubles.getDiagnostics().isEmpty()) throw new Exception("" + troubles.getDiagnostics());
                    Files.writeString(Path.of("body.json"), BODY);
                }
                static final String BODY = %s;
            }
            """
        )
        % block[0],
        encoding="utf-8",
    )
    files = [f"{name}.java" for name in REQUESTS]
    ran("java", "-Dfile.encoding=UTF-8", "Check.java", *files, folder=tmp_path)
    wanted = json.loads(json.dumps(REQUESTS["chat"].body))
    del wanted["stream"], wanted["model"]
    assert json.loads((tmp_path / "body.json").read_text("utf-8")) == wanted


@pytest.mark.skipif(not shutil.which("node"), reason="needs node")
def test_node_sends_hostile_names_and_texts(tmp_path: Path) -> None:
    """/code node sends the very body, a property called __proto__ too."""
    stub = "globalThis.fetch = async (_, o) => { process.stdout.write(o.body); process.exit(0); };\n"
    (tmp_path / "program.mjs").write_text(stub + programs.write("node", REQUESTS["chat"]), encoding="utf-8")
    wanted = json.loads(json.dumps(REQUESTS["chat"].body))
    del wanted["stream"]
    assert json.loads(ran("node", "program.mjs", folder=tmp_path)) == wanted


RUBY = """\
require "json"
module OpenAI
  class Client
    def initialize(api_key:, base_url:) = nil
    def chat = self
    def completions = self
    def responses = self
    def create(**body)
      body.delete(:request_options)
      $stdout.write(JSON.generate(body))
      exit
    end
  end
end
"""


@pytest.mark.skipif(not shutil.which("ruby"), reason="needs Ruby")
def test_ruby_sends_the_body(tmp_path: Path) -> None:
    """The program in Ruby gives its SDK the very body."""
    (tmp_path / "openai.rb").write_text(RUBY)
    for name in REQUESTS:
        (tmp_path / "program.rb").write_text(written("ruby", name), encoding="utf-8")
        command = 'ENV["HOST_KEY"] = ENV["AZURE_OPENAI_API_KEY"] = "k"; load "program.rb"'
        text = ran("ruby", "-w", "-Ku", "-I", ".", "-e", command, folder=tmp_path)
        assert json.loads(text) == sent_body(name)


PHP = """\
<?php
class OpenAI {
    static function factory() { return new OpenAI; }
    function __call($name, $arguments) {
        if ($name !== 'create') return $this;
        echo json_encode($arguments[0], JSON_THROW_ON_ERROR);
        exit;
    }
}
"""


@pytest.mark.skipif(not shutil.which("php"), reason="needs PHP")
def test_php_sends_the_body(tmp_path: Path) -> None:
    """The program in PHP gives its SDK the very body, empty objects as objects."""
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / "autoload.php").write_text(PHP)
    for name in REQUESTS:
        (tmp_path / "program.php").write_text(written("php", name), encoding="utf-8")
        assert json.loads(ran("php", "program.php", folder=tmp_path)) == sent_body(name)


@pytest.mark.skipif(not shutil.which("gofmt"), reason="needs Go")
def test_go_reads_the_programs(tmp_path: Path) -> None:
    """Go's own parser takes the programs as they stand."""
    for name in REQUESTS:
        (tmp_path / f"{name}.go").write_text(written("go", name), encoding="utf-8")
    ran("gofmt", "-e", *(f"{name}.go" for name in REQUESTS), folder=tmp_path)
