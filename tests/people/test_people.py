"""People in the hands of a person: made, named, renamed, removed and brought back; from the chat and the shell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gptchat.errors import UsageError
from tests.support.front_end import FrontEnd
from tests.support.program import command, compose_program, data, effects, running, settings_for
from tests.support.server import Server
from tests.surface.machine import Machine

KEY = "sk-bob-0123456789abcdef"


@pytest.fixture
def connected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server) -> Machine:
    """A machine whose settings let the server answer; alice and bob have a session each."""
    machine = Machine(tmp_path, monkeypatch)
    machine.connect(server.url)
    machine.ask("by alice")
    machine.ask("-u", "bob", "--create-user", "by bob")
    return machine


@pytest.mark.parametrize(
    "words", [["hello"], ["/sessions"], ["-c", "/history"], ["/users"], ["/set", "seed", "1"]]
)
def test_a_run_for_somebody_else_is_for_that_run(connected: Machine, words: list[str]) -> None:
    """A question or a command with `-u` leaves it as it was who comes next."""
    before = (connected.data / "state.json").read_bytes()
    connected.ask("-u", "bob", *words)
    assert (connected.data / "state.json").read_bytes() == before
    connected.set(GPTCHAT_USER="bob")
    connected.ask(*words)
    assert (connected.data / "state.json").read_bytes() == before


@pytest.mark.parametrize("words", [["-u", "bbo", "hi"], ["-u", "bbo", "/sessions"], ["/user", "bbo"]])
def test_a_slip_makes_nobody(connected: Machine, server: Server, words: list[str]) -> None:
    """A name that nobody has is refused from the shell, with the nearest; `--create-user` makes a person of it."""
    asked = len(server.requests)
    result = connected.run(*words)
    assert (result.status, len(server.requests)) == (2, asked)
    assert "bbo" in result.told[0]
    assert "bob" in result.told[1]
    assert "--create-user" in result.told[1]
    assert {one["name"] for one in connected.ask("/users")} == {"alice", "bob"}
    connected.ask("--create-user", *words)
    assert {one["name"] for one in connected.ask("/users")} == {"alice", "bbo", "bob"}


def test_a_slip_in_the_variable_is_one_too(connected: Machine) -> None:
    """GPTCHAT_USER may make the first person on a machine, and later names one of those who are here."""
    connected.set(GPTCHAT_USER="bbo")
    assert connected.run("hi").status == 2
    assert connected.ask("--data-dir", str(connected.folder / "new"), "hi")["user"] == "bbo"


def test_renaming_keeps_everything(connected: Machine) -> None:
    """Under a new name a person has the same sessions, settings, key and trash, and comes next if they did."""
    connected.ask("-u", "bob", "/set", "temperature", "0.5")
    connected.ask("-u", "bob", "another")
    connected.ask("-u", "bob", "/delete", "another")
    (connected.data / "credentials.json").write_text(json.dumps({"users": {"bob": {"here": KEY}}}))
    connected.ask("/user", "bob")
    assert connected.ask("/users", "rename", "bob", "Bob the 张三") == {"renamed": "bob", "name": "Bob the 张三"}
    assert connected.ask("hi")["user"] == "Bob the 张三"
    assert {one["name"] for one in connected.ask("/users")} == {"alice", "Bob the 张三"}
    assert [one["title"] for one in connected.ask("/sessions", "--all")] == ["hi", "by bob"]
    assert [one["title"] for one in connected.ask("/trash")["sessions"]] == ["another"]
    assert connected.ask("/set", "temperature")["temperature"] == 0.5
    assert connected.ask("/search", "by bob")
    stored = json.loads((connected.data / "credentials.json").read_text())["users"]
    assert list(stored.values()) == [{"here": KEY}]
    assert connected.run("-u", "bob", "hi").status == 2
    connected.ask("/users", "rename", "Bob", "the", "张三", "bob")  # names may have blanks
    assert connected.ask("hi")["user"] == "bob"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["rename", "bob", "alice"], "there is a alice already"),
        (["rename", "bob", "ALICE"], "there is a alice already"),
        (["rename", "bbo", "robert"], "nobody here is called bbo"),
        (["rename", "bob"], "needs OLD NEW"),
        (["rename", "bob", "a\u202eb"], "direction-changing"),
        (["remove", "bbo"], "nobody here is called bbo"),
        (["remove"], "needs NAME"),
    ],
)
def test_what_cannot_be_is_refused(connected: Machine, words: list[str], why: str) -> None:
    """No name is given twice, and who is not here is not renamed or removed; nothing changes then."""
    before = connected.ask("/users")
    result = connected.run("/users", *words)
    assert result.status == 2
    assert why in result.told[0]
    assert connected.ask("/users") == before


def test_a_letter_in_another_case(connected: Machine) -> None:
    """A person's own name in other letters is a name for them."""
    connected.ask("/users", "rename", "bob", "Bob")
    assert {one["name"] for one in connected.ask("/users")} == {"alice", "Bob"}


def test_a_person_comes_back_from_the_trash(connected: Machine, server: Server) -> None:
    """A removed person is in the trash with all that was theirs, their key too, and comes back whole."""
    (connected.data / "credentials.json").write_text(json.dumps({"users": {"bob": {"here": KEY}}}))
    connected.ask("-u", "bob", "hello")
    assert connected.ask("/users", "remove", "bob") == {"removed": "bob", "forever": False}
    assert [one["name"] for one in connected.ask("/users")] == ["alice"]
    assert connected.ask("/trash")["users"] == [{"name": "bob", "sessions": 2}]
    # A new person of that name is another one.
    connected.ask("-u", "bob", "--create-user", "another bob")
    assert KEY not in str(server.requests[-1].headers)
    assert connected.run("/trash", "restore", "bob").status == 2
    connected.ask("/users", "rename", "bob", "other")
    assert connected.ask("/trash", "restore", "bob") == {"restored": "bob"}
    assert connected.ask("/trash") == {"sessions": [], "users": []}
    assert len(connected.ask("-u", "bob", "/sessions", "--all")) == 2
    connected.ask("-u", "bob", "hello again")
    assert KEY in str(server.requests[-1].headers)


def test_removed_twice(connected: Machine) -> None:
    """Two people of one name in the trash are told apart, and emptying it removes both."""
    connected.ask("/users", "remove", "bob")
    connected.ask("-u", "bob", "--create-user", "the second")
    connected.ask("/users", "remove", "bob")
    assert [one["sessions"] for one in connected.ask("/trash")["users"]] == [1, 1]
    assert "2 people called bob" in connected.run("/trash", "restore", "bob").err
    assert connected.ask("/trash", "empty", "--yes") == {"sessions": 0, "users": 2}
    assert connected.ask("/trash") == {"sessions": [], "users": []}


def test_at_once_and_for_good(connected: Machine) -> None:
    """`/users remove --forever` needs a yes, also from a script, and leaves nothing to restore."""
    refused = connected.run("/users", "remove", "--forever", "bob")
    assert (refused.status, "--yes" in refused.err) == (2, True)
    assert len(connected.ask("/users")) == 2
    assert connected.ask("/users", "remove", "bob", "--forever", "--yes")["forever"] is True
    assert connected.ask("/trash") == {"sessions": [], "users": []}
    assert not [path for path in connected.data.rglob("*") if "bob" in path.name]


def test_who_was_here_last_is_removed(connected: Machine) -> None:
    """After the last person was removed the login name comes next."""
    connected.ask("/user", "bob")
    connected.ask("/users", "remove", "bob")
    assert connected.ask("hi")["user"] == "alice"


@pytest.mark.parametrize("words", [["rename", "bob", "robert"], ["remove", "bob"]])
def test_keys_that_are_damaged(connected: Machine, words: list[str]) -> None:
    """A file of keys that is damaged is set aside and told, and keeps nobody from being moved."""
    (connected.data / "credentials.json").write_text("{torn")
    result = connected.run("/users", *words)
    assert (result.status, "credentials.json.damaged" in result.err) == (0, True)
    assert (connected.data / "credentials.json.damaged").read_text() == "{torn"
    assert {one["name"] for one in connected.ask("/users")} == {"alice", *words[2:]}


def test_sessions_in_the_trash(connected: Machine) -> None:
    """The trash lists deleted sessions; one comes back by number, title or id, and emptying removes the rest."""
    for title in ("one", "two", "three"):
        connected.ask(title)
        connected.ask("/delete", title)
    assert {one["title"] for one in connected.ask("/trash")["sessions"]} == {"one", "two", "three"}
    first = connected.ask("/trash")["sessions"][0]
    assert connected.ask("/trash", "restore", "1") == {"restored": first["id"]}
    connected.ask("/delete", first["id"])
    assert connected.ask("/trash", "restore", "two")["restored"]
    assert [one["title"] for one in connected.ask("/sessions", "--all")] == ["two", "by alice"]
    assert "/trash lists them" in connected.run("/trash", "restore", "zq").err
    assert connected.ask("/trash", "empty", "--yes") == {"sessions": 2, "users": 0}
    assert connected.ask("/trash") == {"sessions": [], "users": []}
    assert connected.run("/trash", "restore", first["id"]).status == 2


def test_one_in_the_trash_is_removed_for_good(connected: Machine) -> None:
    """`/delete --forever` takes a session of the trash, too."""
    connected.ask("/delete", "by alice")
    assert connected.ask("/delete", "--forever", "by alice")["forever"] is True
    assert connected.ask("/trash") == {"sessions": [], "users": []}


def test_everybody_leaves_and_comes_in(connected: Machine, tmp_path: Path) -> None:
    """`/export users FILE` has everybody's words, and is asked about where others' are among them."""
    program = compose_program(tmp_path / "chat", settings_for("http://127.0.0.1:9"))
    (tmp_path / "all.json").write_text(
        json.dumps({name: [{"role": "user", "content": f"by {name}"}] for name in ("ann", "bob", "张三")})
    )
    with running(program) as loop:
        told = loop.run(command(program, f"/import {tmp_path / 'all.json'}"))
        assert "3 sessions came in for ann, bob, 张三" in told
        assert "/sessions lists yours" in told
        assert "/user bob, /user 张三 switches to them" in told
        loop.run(command(program, f"/export users {tmp_path / 'out.json'}", "n"))
        assert not (tmp_path / "out.json").exists()
        loop.run(command(program, f"/export users {tmp_path / 'out.json'}", "y"))
        shown = loop.run(effects(program, "/export users", "y"))
    assert json.loads((tmp_path / "out.json").read_text()) == json.loads((tmp_path / "all.json").read_text())
    assert data(shown) == json.loads((tmp_path / "all.json").read_text())


def test_who_chats_in_another_window_is_not_moved(server: Server, tmp_path: Path) -> None:
    """A person who chats elsewhere is neither renamed nor removed, and told so; after they left, it works."""
    here, there = (
        compose_program(tmp_path, settings_for(server.url, key_optional="true")) for _window in range(2)
    )
    with running(here) as loop:
        with running(there) as other:
            other.run(command(there, "/user bob"))
            other.run(FrontEnd().drive(there.services.conversation.say("from there")))
            for line in ("/users rename bob robert", "/users remove bob --yes"):
                with pytest.raises(UsageError, match="bob is chatting in another window"):
                    loop.run(command(here, line))
            other.run(FrontEnd().drive(there.services.conversation.say("still there")))
        assert "robert" in loop.run(command(here, "/users rename bob robert"))
        with pytest.raises(UsageError, match="ann is chatting now"):
            loop.run(command(here, "/users remove ann"))
    assert [info.turns for info in here.services.library.list("robert")] == [2]
    assert sorted(path.name for path in (tmp_path / "data" / "users").iterdir()) == ["ann", "robert"]


def test_who_chats_is_renamed_in_the_middle(server: Server, tmp_path: Path) -> None:
    """Who renames themselves goes on in the same session, under the settings of this run, as one person."""
    program = compose_program(tmp_path, settings_for(server.url, key_optional="true"), "--system", "Be kind")
    talk = program.services.conversation
    with running(program) as loop:
        loop.run(FrontEnd().drive(talk.say("before")))
        session = program.services.manager.session.id
        loop.run(command(program, "/set temperature 0.25"))
        loop.run(command(program, "/users rename ann Anna"))
        assert program.services.manager.session.id == session
        loop.run(FrontEnd().drive(talk.say("after")))
        assert server.requests[-1].json["temperature"] == 0.25
        loop.run(command(program, "/new"))
        loop.run(FrontEnd().drive(talk.say("anew")))
    assert [path.name for path in (tmp_path / "data" / "users").iterdir()] == ["%41nna"]
    assert {info.title for info in program.services.library.list("Anna")} == {"before", "anew"}
