"""A Tab in bash, zsh and fish completes gptchat's options, commands and the names of what a person has."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from gptchat.config.flags import SHELLS, declared
from gptchat.terminal.completing.shell import split
from tests.support.measured import MEASURED
from tests.support.screen import Screen

ROOT = Path(__file__).parents[2]
CONFIG = """
provider = "demo"
[providers.workplace]
kind = "compatible"
base_url = "http://127.0.0.1:1/v1"
[presets.translator]
system = "Translate to {language}."
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with settings, two people, a session, and `gptchat` on the path."""
    home = tmp_path_factory.mktemp("home")
    (home / "bin").mkdir()
    program = home / "bin" / "gptchat"
    program.write_text(f"#!{sys.executable}\nimport sys\nfrom gptchat.cli import main\nsys.exit(main())\n")
    program.chmod(0o755)
    (home / "config.toml").write_text(CONFIG, encoding="utf-8")
    (home / "notes of today.txt").write_text("notes")
    for person in ("alice", "王芳"):
        ask(home, "-u", person, "--create-user", "hello")
    return home


def environment(home: Path) -> dict[str, str]:
    return {
        "HOME": str(home),
        "PATH": f"{home / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TERM": "xterm-256color",
        **MEASURED,
        "GPTCHAT_CONFIG": str(home / "config.toml"),
        "GPTCHAT_DATA_DIR": str(home / "data"),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_DATA_HOME": str(home / ".data"),
    }


def ask(home: Path, *arguments: str, **more: str) -> str:
    """What `gptchat ARGUMENTS` prints."""
    command = [str(home / "bin" / "gptchat"), *arguments]
    variables = {**environment(home), **more}
    done = subprocess.run(
        command, env=variables, cwd=home, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=30
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def offered(home: Path, *words: str, shell: str = "fish") -> list[str]:
    """The candidates for the last of `words`."""
    lines = ask(home, *words, _GPTCHAT_COMPLETE=shell).splitlines()
    return [line.partition("\t")[0] for line in lines if not line.startswith(":")]


START = {
    "bash": ["bash", "--noprofile", "--norc", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
LOAD = {
    "bash": 'PS1="ready> "; eval "$(gptchat --completion bash)"; bind "set bell-style none"; clear',
    "zsh": 'PS1="ready> "; autoload -Uz compinit; compinit -u -D; eval "$(gptchat --completion zsh)"; clear',
    "fish": 'function fish_prompt; echo -n "ready> "; end; gptchat --completion fish | source; clear',
}


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, home: Path) -> Iterator[Screen]:
    """A shell at its prompt, with the completion script loaded."""
    name: str = request.param
    if shutil.which(name) is None:
        if os.environ.get("CI"):
            pytest.fail(f"{name} is missing")
        pytest.skip(f"{name} is not installed")
    with Screen.spawn(START[name], rows=24, columns=100, env=environment(home), cwd=home) as screen:
        screen.send(LOAD[name].encode() + b"\r")
        screen.wait_for(lambda: screen.text.strip().startswith("ready>") and "clear" not in screen.text)
        yield screen


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("typed", "becomes"),
    [
        ("--incog", "--incognito"),
        ("--provider workp", "--provider workplace"),
        ("--provider=workp", "--provider=workplace"),
        ("-u ali", "-u alice"),
        ("--preset trans", "--preset translator"),
        ("-o temper", "-o temperature="),
        ("/expo", "/export"),
        ("/export markd", "/export markdown"),
        ("-p demo /trash res", "-p demo /trash restore"),
    ],
)
def test_a_tab_completes(shell: Screen, typed: str, becomes: str) -> None:
    """A Tab completes an option, its value, a slash command or its argument, in every shell."""
    shell.send(f"gptchat {typed}\t".encode())
    shell.wait_for(f"gptchat {becomes}")


@pytest.mark.timeout(60)
def test_a_file_behind_an_option_completes(shell: Screen) -> None:
    """The name of a file with blanks completes behind -a, quoted as the shell needs it."""
    shell.send(b"gptchat -a no\t")
    shell.wait_for("of\\ today.txt")


@pytest.mark.timeout(60)
def test_a_chinese_name_completes(shell: Screen) -> None:
    """A name in Chinese completes from its first character."""
    shell.send("gptchat -u 王\t".encode())
    shell.wait_for("-u 王芳")


def test_every_option_is_offered(home: Path) -> None:
    """Every option that --help shows in its long form is offered."""
    found = offered(home, "--")
    assert {name for option in declared() for name in option.names if name.startswith("--")} <= set(found)


def test_sessions_are_offered_newest_first_with_their_titles(home: Path) -> None:
    """Behind -s come the person's sessions, with the titles as notes."""
    lines = ask(home, "-u", "alice", "-s", "", _GPTCHAT_COMPLETE="zsh").splitlines()
    assert [line.split("\t")[1] for line in lines] == ["hello"]


@pytest.mark.parametrize(
    "words", [("--nonsense", ""), ("-u", "nobody", "-s", ""), ("-o", "no.such=", ""), ("a", "question", "")]
)
def test_a_line_that_means_nothing_offers_nothing(home: Path, words: Sequence[str]) -> None:
    """A Tab on a wrong line prints no error."""
    assert offered(home, *words) == []


def test_words_that_are_options_and_arguments_alike_are_told_apart(home: Path) -> None:
    """A person whose name is an argument as well is still the one whose things are offered."""
    assert offered(home, "-u", "alice", "/users", "rename", "alice", "") is not None
    assert len(offered(home, "-u", "alice", "/resume", "")) == 1
    assert "alice" in offered(home, "-u", "alice", "/user", "")
    assert offered(home, "--preset", "") == ["translator"]


def test_a_tab_changes_nothing(home: Path) -> None:
    """A Tab writes no file, and makes no person."""
    before = sorted(str(path) for path in (home / "data").rglob("*"))
    offered(home, "-u", "newcomer", "/resume", "")
    assert sorted(str(path) for path in (home / "data").rglob("*")) == before


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("gptchat ", ["gptchat", ""]),
        ("gptchat -u al", ["gptchat", "-u", "al"]),
        ('gptchat -u "al ice', ["gptchat", "-u", "al ice"]),
        ("gptchat -u 'al ", ["gptchat", "-u", "al "]),
        (r"gptchat al\ ice", ["gptchat", "al ice"]),
        ("", [""]),
    ],
)
def test_a_line_is_split_as_the_shell_does(line: str, words: Sequence[str]) -> None:
    """The words of a line are those the shell makes of it, with the last one as far as it is typed."""
    assert split(line) == words
