"""Where a key is found, kept and forgotten, with real files, commands and variables."""

from __future__ import annotations

import json
import os
import shlex
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gptchat import notices, redaction
from gptchat.config import keys
from gptchat.config.credentials import move_keys, stored_key
from gptchat.config.endpoints import ProviderSettings
from gptchat.config.keys import find_key, forget_key, missing_key, store_key
from gptchat.errors import ConfigurationError

OPENAI = ProviderSettings("openai", "openai")
AZURE = ProviderSettings("azure", "azure")
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")


def python(code: str) -> str:
    """A command line that runs `code` in this Python, for the system's shell."""
    line = [sys.executable, "-c", code]
    return subprocess.list2cmdline(line) if sys.platform == "win32" else shlex.join(line)


@pytest.fixture(autouse=True)
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests never touch the keyring of whoever runs them."""
    monkeypatch.setitem(sys.modules, "keyring", None)


@pytest.fixture
def keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A `keyring` package that keeps its passwords in a file, in place of the system's."""
    store = tmp_path / "keyring.json"
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "keyring.py").write_text(
        f"""import json, pathlib
STORE = pathlib.Path({str(store)!r})
def _all(): return json.loads(STORE.read_text()) if STORE.exists() else {{}}
def get_password(service, name): return _all().get(service + ":" + name)
def set_password(service, name, value): STORE.write_text(json.dumps({{**_all(), service + ":" + name: value}}))
def delete_password(service, name):
    left = _all()
    del left[service + ":" + name]
    STORE.write_text(json.dumps(left))
"""
    )
    monkeypatch.delitem(sys.modules, "keyring")
    monkeypatch.syspath_prepend(str(tmp_path / "packages"))
    yield store
    sys.modules.pop("keyring", None)


def test_keys_are_looked_for_in_the_promised_order(tmp_path: Path, keyring: Path) -> None:
    """Variable, command, file, keyring, credentials file: taking the first away uncovers the next."""
    (tmp_path / "credentials.json").write_text('{"v": 1, "keys": {"openai": "from-credentials"}}')
    keyring.write_text('{"gptchat:openai": "from-the-keyring"}')
    (tmp_path / "key.txt").write_text("from-a-file")
    provider = replace(
        OPENAI, api_key_command=python("print('from-a-command')"), api_key_file=str(tmp_path / "key.txt")
    )
    environ = {**os.environ, "OPENAI_API_KEY": "from-a-variable"}
    found = []
    for change in ("", "variable", "api_key_command", "api_key_file", "keyring", "credentials"):
        if change == "variable":
            environ.pop("OPENAI_API_KEY")
        elif change.startswith("api_key"):
            cleared: dict[str, Any] = {change: ""}
            provider = replace(provider, **cleared)
        elif change:
            (keyring if change == "keyring" else tmp_path / "credentials.json").unlink()
        key = find_key(provider, tmp_path, environ)
        found.append((key.value, key.source) if key else None)
    assert found == [
        ("from-a-variable", "OPENAI_API_KEY"),
        ("from-a-command", "api_key_command"),
        ("from-a-file", str(tmp_path / "key.txt")),
        ("from-the-keyring", "keyring"),
        ("from-credentials", str(tmp_path / "credentials.json")),
        None,
    ]


@pytest.mark.parametrize(
    ("provider", "variable", "found"),
    [
        (AZURE, "AZURE_OPENAI_API_KEY", True),
        (AZURE, "AZURE_OPENAI_KEY", True),
        (AZURE, "OPENAI_API_KEY", False),
        (ProviderSettings("work", "azure"), "AZURE_OPENAI_API_KEY", True),
        (ProviderSettings("mine", "openai", api_key_env="MINE"), "MINE", True),
        (ProviderSettings("mine", "openai", api_key_env="MINE"), "OPENAI_API_KEY", False),
        (ProviderSettings("local", "compatible"), "OPENAI_API_KEY", False),
        (ProviderSettings("demo", "demo"), "OPENAI_API_KEY", False),
    ],
)
def test_each_kind_has_its_variable(
    provider: ProviderSettings, variable: str, found: bool, tmp_path: Path
) -> None:
    """The SDK's variable serves its kind, one's own replaces it; OpenAI's key goes to no other server."""
    key = find_key(provider, tmp_path, {variable: "a-key-of-some-length"})
    assert (key is not None) == found


def test_a_key_written_where_its_variables_name_belongs_is_refused(tmp_path: Path) -> None:
    """`api_key_env = "sk-..."` is told for what it is, without showing the key."""
    with pytest.raises(ConfigurationError, match="api_key_env is the name of a variable") as caught:
        find_key(replace(OPENAI, api_key_env="sk-secret-in-place-of-name"), tmp_path, {})
    assert "secret" not in caught.value.message + caught.value.hint


def test_a_wrong_key_in_a_variable_names_the_variable(tmp_path: Path) -> None:
    """A key that cannot be sent is told with where it came from."""
    with pytest.raises(ConfigurationError, match='OPENAI_API_KEY: character 4 of the key, "é"'):
        find_key(OPENAI, tmp_path, {"OPENAI_API_KEY": "sk-é"})


def test_what_is_found_is_masked_and_not_in_the_keys_own_words(tmp_path: Path) -> None:
    """A key that was found is masked in every text, and the value that carries it does not print it."""
    key = find_key(OPENAI, tmp_path, {"OPENAI_API_KEY": "one-more-planted-secret"})
    assert key is not None
    assert "planted" not in repr(key)
    assert "planted" not in redaction.redact(f"{key.value!r}")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import sys; sys.exit('pass: no store')", "api_key_command failed: exit status 1, pass: no store"),
        ("print()", "api_key_command failed: it printed nothing"),
        ("print('{}')", "api_key_command: its JSON has no key"),
    ],
)
def test_a_failing_command_is_explained(code: str, message: str, tmp_path: Path) -> None:
    """A command that fails, or prints no key, is told with what it said."""
    with pytest.raises(ConfigurationError) as caught:
        find_key(replace(OPENAI, api_key_command=python(code)), tmp_path, os.environ)
    assert caught.value.message == message
    assert caught.value.hint


def test_a_command_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that does not end is stopped after its time, and does not keep the program."""
    monkeypatch.setattr(keys, "COMMAND_SECONDS", 0.3)
    with pytest.raises(ConfigurationError, match=r"it did not end within 0\.3 s"):
        find_key(
            replace(OPENAI, api_key_command=python("import time; time.sleep(20)") + " && echo x"),
            tmp_path,
            os.environ,
        )


def test_a_command_does_not_read_the_question(tmp_path: Path) -> None:
    """What is piped into the program is the question; a key command leaves it there."""
    command = python("import sys; print('key', len(sys.stdin.read()))")
    program = (
        "import os, pathlib, sys\n"
        "from gptchat.config.endpoints import ProviderSettings\n"
        "from gptchat.config.keys import find_key\n"
        f"provider = ProviderSettings('x', 'openai', api_key_env='NONE', api_key_command={command!r})\n"
        f"print(find_key(provider, pathlib.Path({str(tmp_path)!r}), os.environ).value, sys.stdin.read())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input="the question", capture_output=True, text=True, check=True
    )
    assert done.stdout == "key0 the question\n"


def test_a_missing_or_wrong_key_file_is_named(tmp_path: Path) -> None:
    """A key file that is not there, holds no key, or is no text is told with its path."""
    with pytest.raises(ConfigurationError, match="cannot read the key file"):
        find_key(replace(OPENAI, api_key_file=str(tmp_path / "none")), tmp_path, {})
    wrong = tmp_path / "wrong"
    provider = replace(OPENAI, api_key_file=str(wrong))
    for content, message in (
        (b"{}", "its JSON has no key"),
        (b"\x80\x81", "is not text"),
        (b"x" * 70_000, "large"),
    ):
        wrong.write_bytes(content)
        with pytest.raises(ConfigurationError, match=message) as caught:
            find_key(provider, tmp_path, {})
        assert str(wrong) in caught.value.message


@posix
def test_a_file_open_to_others_is_pointed_out_with_the_remedy(tmp_path: Path) -> None:
    """A key file that other people can read comes with a warning whose command closes it."""
    path = tmp_path / "my key.txt"
    path.write_text("a-key-in-an-open-file")
    path.chmod(0o644)
    provider = replace(OPENAI, api_key_file=str(path))
    key = find_key(provider, tmp_path, {})
    assert key is not None
    command = key.warning.partition("close it with: ")[2]
    subprocess.run(shlex.split(command), check=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = find_key(provider, tmp_path, {})
    assert again is not None
    assert again.warning == ""


@posix
def test_stored_keys_are_private(tmp_path: Path) -> None:
    """The credentials file is for its owner alone, and so is the folder that is made for it."""
    data = tmp_path / "new" / "data"
    assert store_key("openai", " 'stored-secret-1' \n", data) == str(data / "credentials.json")
    assert stat.S_IMODE((data / "credentials.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert json.loads((data / "credentials.json").read_text()) == {"v": 1, "keys": {"openai": "stored-secret-1"}}
    (data / "credentials.json").chmod(0o640)
    key = find_key(OPENAI, data, {})
    assert key is not None
    assert "chmod 600" in key.warning


def test_a_user_has_keys_of_his_own(tmp_path: Path) -> None:
    """A user's own key goes before the one all share, nobody else sees it, and forgetting it leaves the other."""
    store_key("openai", "shared-key-1", tmp_path)
    store_key("openai", "bobs-own-key", tmp_path, "bob")

    def value(user: str) -> str | None:
        key = find_key(OPENAI, tmp_path, {}, user=user)
        return key.value if key else None

    assert (value("bob"), value("ann"), value("")) == ("bobs-own-key", "shared-key-1", "shared-key-1")
    assert forget_key("openai", tmp_path, "bob") == [str(tmp_path / "credentials.json")]
    assert (value("bob"), value("ann")) == ("shared-key-1", "shared-key-1")
    assert forget_key("openai", tmp_path, "bob") == []
    assert forget_key("openai", tmp_path) == [str(tmp_path / "credentials.json")]
    assert value("bob") is None


def test_a_users_own_key_goes_before_a_shared_one_in_the_keyring(tmp_path: Path, keyring: Path) -> None:
    """Whose key it is matters more than where it is kept."""
    (tmp_path / "credentials.json").write_text('{"users": {"bob": {"openai": "bobs-own-key"}}}')
    keyring.write_text('{"gptchat:openai": "shared-key-1"}')
    key = find_key(OPENAI, tmp_path, {}, user="bob")
    assert key is not None
    assert key.value == "bobs-own-key"


def test_the_keyring_keeps_keys_where_it_is_installed(tmp_path: Path, keyring: Path) -> None:
    """With a keyring, a key goes there and an older one in plain text is removed; forgetting removes it there."""
    (tmp_path / "credentials.json").write_text('{"v": 1, "keys": {"openai": "older-key", "azure": "other-key"}}')
    assert store_key("openai", "newer-key-1", tmp_path) == "keyring"
    assert store_key("openai", "bobs-own-key", tmp_path, "bob") == "keyring"
    assert json.loads(keyring.read_text()) == {
        "gptchat:openai": "newer-key-1",
        "gptchat:bob/openai": "bobs-own-key",
    }
    assert json.loads((tmp_path / "credentials.json").read_text())["keys"] == {"azure": "other-key"}
    assert forget_key("openai", tmp_path) == ["keyring"]
    assert json.loads(keyring.read_text()) == {"gptchat:bob/openai": "bobs-own-key"}


@pytest.mark.parametrize("body", ["raise RuntimeError('no bus')", "return None"])
def test_a_keyring_that_does_not_work_is_done_without(body: str, tmp_path: Path, keyring: Path) -> None:
    """A broken keyring, or one that keeps nothing, means the credentials file."""
    module = tmp_path / "packages" / "keyring.py"
    names = ("get_password", "set_password", "delete_password")
    module.write_text("".join(f"def {name}(*arguments):\n    {body}\n" for name in names))
    assert store_key("openai", "some-key-kept", tmp_path) == str(tmp_path / "credentials.json")
    key = find_key(OPENAI, tmp_path, {})
    assert key is not None
    assert key.value == "some-key-kept"
    assert not keyring.exists()


def test_many_keys_stored_at_once_are_all_kept(tmp_path: Path) -> None:
    """Two programs that store keys in the same moment lose neither."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: store_key(f"p{number}", f"key-number-{number}", tmp_path), range(24)))
    stored = json.loads((tmp_path / "credentials.json").read_text())["keys"]
    assert stored == {f"p{number}": f"key-number-{number}" for number in range(24)}


@pytest.mark.parametrize("content", ["{", "[]", '{"keys": []}', '{"users": 3}'])
def test_a_damaged_credentials_file_is_told_and_not_overwritten(content: str, tmp_path: Path) -> None:
    """A credentials file that cannot be understood stops nobody: it is set aside whole, with a word."""
    path = tmp_path / "credentials.json"
    for number in (1, 2):
        notices.forget()
        path.write_text(content)
        if number == 1:
            find_key(OPENAI, tmp_path, {})
        else:
            store_key("openai", "some-key-kept", tmp_path)
        aside = path.with_name("credentials.json.damaged" + ("" if number == 1 else f"-{number}"))
        assert aside.read_text() == content
        assert aside.name in notices.take()[0]


def test_what_others_keep_in_the_credentials_file_stays(tmp_path: Path) -> None:
    """Fields of a newer version survive storing and forgetting."""
    path = tmp_path / "credentials.json"
    path.write_text('{"v": 2, "later": [1], "keys": {}}')
    store_key("openai", "some-key-kept", tmp_path)
    forget_key("openai", tmp_path)
    assert json.loads(path.read_text()) == {"v": 2, "later": [1], "keys": {}}


def test_a_missing_key_says_how_to_give_one() -> None:
    """Without a key, the error names the command and the variable."""
    assert missing_key(OPENAI).hint == "give it with /key set, or set OPENAI_API_KEY"
    assert missing_key(ProviderSettings("local", "compatible")).hint == "give it with /key set"


@pytest.mark.parametrize("kept", ["keyring", "file"])
def test_keys_move_with_their_owner(tmp_path: Path, request: pytest.FixtureRequest, kept: str) -> None:
    """A user's keys go along to another slug, are nobody's else meanwhile, and are removed for good."""
    if kept == "keyring":
        request.getfixturevalue("keyring")
    store_key("openai", "key-of-ann-1", tmp_path, "ann")
    store_key("openai", "shared-key-1", tmp_path)
    for user, other in (("ann", "trash.ann"), ("trash.ann", "%41nn")):
        move_keys(tmp_path, user, other, ["openai", "azure"])
        assert stored_key("openai", tmp_path, user)[0] == "shared-key-1"
        assert stored_key("openai", tmp_path, other)[0] == "key-of-ann-1"
    move_keys(tmp_path, "%41nn", "", ["openai"])
    assert stored_key("openai", tmp_path, "%41nn")[0] == "shared-key-1"
    assert not any(b"key-of-ann" in path.read_bytes() for path in tmp_path.rglob("*.json"))
