"""What may be attached freely, what is asked about, and what never goes unasked."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from gptchat.attachments import Policy, load
from gptchat.attachments.policy import address_fits, path_fits
from gptchat.errors import UsageError
from gptchat.net.private_hosts import is_private, private_address

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\n" + "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAE\n" * 4
linked = pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with a key, and a working folder in it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, text in {
        ".ssh/id_rsa": KEY,
        ".ssh/config": "Host x",
        ".aws/credentials": "x",
        ".netrc": "x",
        ".config/gcloud/a.json": "x",
        "repo/.env": "TOKEN=1",
        "repo/.env.example": "TOKEN=",
        "repo/a.py": "print(1)\n",
        "repo/deploy.txt": f"the key:\n{KEY}",
        "repo/service.json": '{"private_key": "-----BEGIN PRIVATE KEY-----\\n' + "M" * 40 + '"}',
        "repo/keys.md": "A key begins with -----BEGIN RSA PRIVATE KEY----- and ends with -----END ...\n",
        "repo/secrets.txt": "a list",
        "other/notes.txt": "notes",
        "data/users/ann/user.json": "{}",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "freedom"),
    [
        ("repo/a.py", "free"),
        ("repo", "free"),
        ("repo/.env.example", "free"),
        ("repo/keys.md", "free"),
        ("repo/secrets.txt", "free"),
        ("repo/missing.txt", "free"),
        ("other/notes.txt", "ask"),
        ("other", "ask"),
        ("repo/../other/notes.txt", "ask"),
        ("repo/.env", "guarded"),
        ("repo/deploy.txt", "guarded"),
        ("repo/service.json", "guarded"),
        (".ssh/id_rsa", "guarded"),
        (".ssh/config", "guarded"),
        (".ssh", "guarded"),
        (".aws/credentials", "guarded"),
        (".netrc", "guarded"),
        (".config/gcloud/a.json", "guarded"),
        ("data/users/ann/user.json", "guarded"),
        ("data", "guarded"),
    ],
)
def test_a_file_is_judged_by_its_place_and_contents(home: Path, name: str, freedom: str) -> None:
    """The working folder is free, what lies elsewhere is asked about, keys and our own data always are."""
    policy = Policy(folder=home / "repo", own=[home / "data"])
    assert policy.file(home / name).freedom == freedom


@linked
def test_a_link_is_judged_by_where_it_leads(home: Path) -> None:
    """A link in the working folder to a key or to another folder is judged as what it leads to."""
    (home / "repo" / "notes.txt").symlink_to(home / ".ssh" / "id_rsa")
    (home / "repo" / "there").symlink_to(home / "other")
    policy = Policy(folder=home / "repo")
    judgement = policy.file(home / "repo" / "notes.txt")
    assert (judgement.freedom, judgement.target) == ("guarded", str(home / ".ssh" / "id_rsa"))
    assert policy.file(home / "repo" / "there" / "notes.txt").freedom == "ask"


@linked
def test_a_folder_leaves_out_links_and_secrets(home: Path) -> None:
    """A folder is attached without what its links lead to elsewhere and without keys, and says so."""
    (home / "repo" / "notes.txt").symlink_to(home / ".ssh" / "id_rsa")
    (home / "repo" / "credentials.json").write_text("{}")
    loaded = load(str(home / "repo"))
    assert [item.name.rpartition("/")[2] for item in loaded.attachments] == ["a.py", "keys.md", "secrets.txt"]
    assert "OPENSSH" not in "".join(item.text for item in loaded.attachments)
    assert "1 link that leads out of it" in loaded.notes[0]
    assert "3 files with keys or passwords" in loaded.notes[0]


def test_settings_allow_and_deny(home: Path) -> None:
    """attach.allow frees a folder, attach.deny wins over it, and a pattern does not unlock what is guarded."""
    policy = Policy(["~/other/**", "~/.ssh/**", "~/.netrc"], ["*.pem", "~/other/no/**"], folder=home / "repo")
    freedoms = {name: policy.file(home / name).freedom for name in ("other/notes.txt", ".ssh/config", ".netrc")}
    assert freedoms == {"other/notes.txt": "free", ".ssh/config": "guarded", ".netrc": "free"}
    assert policy.file(home / "repo" / "a.pem").freedom == "denied"
    assert policy.file(home / "other" / "no" / "x.txt").freedom == "denied"


def test_a_home_folder_is_no_working_folder_for_its_hidden_things(home: Path) -> None:
    """Whoever works in the home folder attaches its files freely, and is asked about hidden ones."""
    policy = Policy(folder=home)
    (home / ".profile").write_text("x")
    assert policy.file(home / "other" / "notes.txt").freedom == "free"
    assert policy.file(home / ".profile").freedom == "ask"


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("*.pem", "/a/b/c.pem", True),
        ("secrets/**", "/a/secrets/b/c", True),
        ("secrets/**", "/a/secrets", True),
        ("/a/**", "/a/b/c", True),
        ("/a/**", "/ab/c", False),
        ("/a/b", "/a/b", True),
        ("/a/b", "/a/b/c", False),
        ("http://x/*", "/x", False),
    ],
)
def test_patterns_of_paths(pattern: str, path: str, fits: bool) -> None:
    """A pattern fits a path as its words say; `folder/**` is the folder as well."""
    assert path_fits(pattern, Path(path)) is fits


def test_patterns_of_addresses() -> None:
    """A pattern fits an address as a whole, or by its host alone."""
    assert address_fits("http://10.0.0.1:8000/*", "http://10.0.0.1:8000/x", "10.0.0.1")
    assert not address_fits("http://10.0.0.1:8000/*", "http://10.0.0.1:9000/x", "10.0.0.1")
    assert address_fits("*.corp.example", "https://wiki.corp.example/", "wiki.corp.example")
    assert not address_fits("~/x/**", "http://x/", "x")


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("::1", "::", "fe80::1", "fd00::1", "fec0::1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"),
        *("localhost", "LOCALHOST.", "x.localhost", "printer.local", "metadata.google.internal"),
        *("2130706433", "0x7f.1", "127.1"),
    ],
)
def test_hosts_of_a_private_network(host: str) -> None:
    """This machine, the local network and a cloud's metadata are private, however they are written."""
    assert private_address(host)
    assert Policy().address(f"http://[{host}]/" if ":" in host else f"http://{host}/").freedom == "ask"


@pytest.mark.parametrize("host", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "172.32.0.1", "192.169.0.1"])
def test_public_hosts(host: str) -> None:
    """Addresses of the internet are free."""
    assert not is_private(host)
    assert not private_address(host)


def test_a_name_is_judged_by_what_it_resolves_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A public name with one private address among its addresses is private."""
    answers = [(socket.AF_INET, 0, 0, "", ("8.8.8.8", 0)), (socket.AF_INET, 0, 0, "", ("192.168.0.7", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_named: answers)
    assert private_address("innocent.example.org") == "192.168.0.7"


class Redirecting(BaseHTTPRequestHandler):
    """Redirects to the address in the query."""

    def do_GET(self) -> None:
        there = self.path.partition("?")[2]
        self.send_response(302 if there else 200)
        if there:
            self.send_header("Location", there)
        body = b"" if there else b"inside"
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server on loopback, and no proxy before it."""
    monkeypatch.setenv("NO_PROXY", "*")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Redirecting)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_no_redirect_leads_into_a_private_network(place: str) -> None:
    """Each step is judged anew: an agreed host may redirect within itself, and to no other private host."""
    port = place.rpartition(":")[2]
    assert load(f"{place}/?{place}/").attachments[0].text == "inside"
    for inside in (
        f"http://localhost:{port}/",
        f"http://[::1]:{port}/",
        "http://169.254.169.254/latest/meta-data",
    ):
        with pytest.raises(UsageError, match="private network"):
            load(f"{place}/?{inside}")


def test_a_name_that_resolves_anew_is_noticed(place: str) -> None:
    """A host that was judged public and answers from a private address is not read."""
    with pytest.raises(UsageError, match="private network"):
        load(f"{place}/", private=False)
