"""A picture in a reply is a file with a line on the screen: it is kept, shown, saved, and sent to nobody."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gptchat import Chat
from gptchat.core.events import FileReceived, TextDelta
from gptchat.core.replies.media import files_of
from tests.replies.shapes import ADDRESS, BASE64, PNG, chunk, pictures, streamed
from tests.support.program import KEY, command, compose_program, running, settings_for, turn
from tests.support.server import Server, say

LABEL = "▨ image (png, 1 kB) · 1"
NAME = f"{hashlib.sha256(PNG).hexdigest()}.png"
SHAPES = pictures()


@pytest.fixture
def server() -> Iterator[Server]:
    """A scripted model server."""
    with Server(key=KEY) as running:
        yield running


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key stands in the environment."""
    monkeypatch.setenv("TEST_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "*")


def _chat(
    server: Server, tmp_path: Path, *, api: str = "chat", incognito: bool = False, user: str = "ann"
) -> Chat:
    config = tmp_path / "config.toml"
    config.write_text(settings_for(server.url, api=f'"{api}"'), encoding="utf-8")
    return Chat(user=user, config=config, data_dir=tmp_path / "data", incognito=incognito)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_picture_becomes_a_file(server: Server, tmp_path: Path, shape: str) -> None:
    """However a picture is sent, it is a file by its digest; the text has its line, and nothing its data."""
    server.script(SHAPES[shape], say("next"))
    with _chat(server, tmp_path, api="responses" if shape.startswith("responses") else "chat") as chat:
        reply = chat.send("draw")
        label = LABEL if "draft" not in shape else "▨ image (png, 81 B) · 1"
        assert label in reply.text
        if shape != "images API":
            assert reply.text.startswith("Here.")
            assert "Done." in reply.text
        (path,) = reply.files
        assert path.parent == tmp_path / "data" / "users" / "ann" / "files"
        assert path.stem == hashlib.sha256(path.read_bytes()).hexdigest()
        if "draft" not in shape:
            assert (path.name, path.read_bytes()) == (NAME, PNG)
        assert path.stat().st_mode & 0o777 == 0o600
        chat.send("and now?")
        session = chat.session
    journal = (tmp_path / "data" / "users" / "ann" / "sessions" / f"{session}.jsonl").read_text()
    assert BASE64[:40] not in journal
    assert path.name in journal
    sent = server.requests[-1].body.decode()
    assert BASE64[:40] not in sent
    assert path.name not in sent
    assert "[image]" in sent


def test_events_tell_of_a_picture(server: Server, tmp_path: Path) -> None:
    """A program that reads the events gets the label in its place, and the file."""
    server.script(say("a ", f"![x]({ADDRESS})", " b"))
    with _chat(server, tmp_path) as chat:
        events = [event for event in chat.stream("draw") if isinstance(event, TextDelta | FileReceived)]
    shown = "".join(event.text if isinstance(event, TextDelta) else event.label for event in events)
    assert shown == f"a {LABEL} b"
    (found,) = [event for event in events if isinstance(event, FileReceived)]
    assert found.file is not None
    assert (found.file.name, found.file.mime, found.file.size, found.file.alt) == (
        NAME,
        "image/png",
        len(PNG),
        "x",
    )


def test_a_link_to_a_picture_is_not_fetched(server: Server, tmp_path: Path) -> None:
    """A picture that is given by its web address is a link in the text; nothing is fetched."""
    link = f"{server.root}/cat.png"
    part = {"type": "image_url", "image_url": {"url": link}}
    server.script(streamed(chunk({"content": "Here.", "images": [part]}, "stop")))
    with _chat(server, tmp_path) as chat:
        reply = chat.send("draw")
    assert f"![image]({link})" in reply.text
    assert "Here." in reply.text
    assert reply.files == ()
    assert [request.path for request in server.requests] == ["/v1/chat/completions"]


def test_incognito_leaves_no_picture_behind(server: Server, tmp_path: Path) -> None:
    """Incognito a picture can be saved while the program runs, and nothing of it is on the disk."""
    server.script(SHAPES["markdown"])
    program = compose_program(tmp_path / "home", settings_for(server.url), "--incognito")
    with running(program) as runner:
        from gptchat.manager import Send

        runner.run(turn(program, Send("draw")))
        assert "saved" in runner.run(command(program, f"/save image 1 {tmp_path / 'out.png'}"))
    assert (tmp_path / "out.png").read_bytes() == PNG
    assert not list((tmp_path / "home").rglob("*.png"))


def test_saving_by_number(server: Server, tmp_path: Path) -> None:
    """`/save image N` and `/save N` with a picture's ending write the picture; a code block keeps its number."""
    code = f'```html\n<img src="{ADDRESS}">\n```'
    server.script(say(f"![x]({ADDRESS})\n\n{code}\n"))
    program = compose_program(tmp_path / "home", settings_for(server.url))
    with running(program) as runner:
        from gptchat.manager import Send

        runner.run(turn(program, Send("draw")))
        out = tmp_path
        runner.run(command(program, f"/save image 1 {out / 'with blank.png'}"))
        runner.run(command(program, f"/save 1 {out / 'one.png'}"))
        runner.run(command(program, f"/save 2 {out / 'two'}"))
        runner.run(command(program, f"/save 1 {out / 'page.html'}"))
    assert (out / "with blank.png").read_bytes() == PNG
    assert (out / "one.png").read_bytes() == PNG
    assert (out / "two").read_bytes() == PNG
    assert (out / "page.html").read_text() == f'<img src="{ADDRESS}">\n'


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (f"![x](data:image/png;base64,{BASE64}\nafter", "broke off"),
        ("![x](data:image/png;base64,AAAAA) after", "not readable"),
        ("![x](data:image/png;base64,) after", "not readable"),
        (f"![x](data:image/png;base64,{BASE64[:40]}=={BASE64}) after", "not readable"),
    ],
)
def test_broken_data_is_told(server: Server, tmp_path: Path, data: str, told: str) -> None:
    """Data that cannot be read is told in its place, the text after it stays, and no file is made."""
    server.script(say("before ", data))
    with _chat(server, tmp_path) as chat:
        reply = chat.send("draw")
    assert told in reply.text
    assert reply.text.startswith("before ▨ image (png): ")
    assert reply.text.endswith("after")
    assert reply.files == ()
    assert BASE64[:30] not in reply.text


def test_deleting_for_good_removes_the_last_picture(server: Server, tmp_path: Path) -> None:
    """A file goes with the last session that names it, and stays as long as a fork or the trash does."""
    server.script(SHAPES["markdown"])
    program = compose_program(tmp_path / "home", settings_for(server.url))
    with running(program) as runner:
        from gptchat.manager import Send

        runner.run(turn(program, Send("draw")))
        first = program.services.manager.session.id
        (kept,) = (tmp_path / "home").rglob(NAME)
        runner.run(command(program, "/fork"))
        second = program.services.manager.session.id
        runner.run(command(program, f"/delete {second}", "y"))
        runner.run(command(program, f"/delete --forever {first}", "y"))
        assert kept.exists()  # the one in the trash names it
        program.services.library.delete_forever("ann", second)
        assert not kept.exists()


def test_exports_hold_the_picture(server: Server, tmp_path: Path) -> None:
    """Markdown links to the file, a page and a JSON document hold it, and another person imports it whole."""
    server.script(SHAPES["markdown"])
    program = compose_program(tmp_path / "home", settings_for(server.url))
    out = tmp_path / "out"
    out.mkdir()
    with running(program) as runner:
        from gptchat.manager import Send

        runner.run(turn(program, Send("draw")))
        for name in ("a.md", "a.html", "a.json", "a.jsonl"):
            runner.run(command(program, f"/export {out / name}"))
        assert NAME in (out / "a.md").read_text()
        assert ADDRESS in (out / "a.html").read_text()
        assert "<script" not in (out / "a.html").read_text()
        messages = json.loads(runner.run(command(program, "/export messages -")))
        assert messages[-1]["content"] == "Here.\n\n[image]\n\nDone."
        for number, name in enumerate(("a.json", "a.md", "a.jsonl")):
            runner.run(command(program, f"/user other{number}", "y"))
            runner.run(command(program, f"/import {out / name}"))
            (info,) = program.services.library.list(f"other{number}")
            session = program.services.journals.read(f"other{number}", info.id)
            reply = session.path()[-1]
            assert [file.name for file in files_of(reply)] == [NAME]
            assert reply.text == f"Here.\n\n{LABEL}\n\nDone."
            if name == "a.json":
                assert program.services.journals.read_file(f"other{number}", NAME) == PNG


def test_a_continued_reply_keeps_its_pictures(server: Server, tmp_path: Path) -> None:
    """What a continuation brings is numbered on, and the text joins without a seam."""
    server.script(say(f"One ![x]({ADDRESS}) an", finish="length"), say(f"d two ![x]({ADDRESS})"))
    with _chat(server, tmp_path) as chat:
        chat.send("draw")
        reply = chat.continue_()
        assert reply.text == f"One {LABEL} and two {LABEL[:-1]}2"
        assert len(reply.files) == 2
        session = chat.session
        assert chat.messages[-1].text == reply.text
    program = compose_program(tmp_path, "")
    again = program.services.journals.read("ann", session)
    assert again.path()[-1].text == reply.text


def test_data_in_older_sessions_is_not_sent(server: Server, tmp_path: Path) -> None:
    """Data that stands in the text of a reply from elsewhere is not sent back, and the text around it is."""
    program = compose_program(tmp_path / "home", settings_for(server.url))
    with running(program) as runner:
        from gptchat.manager import Send

        said = f"Here ![x]({ADDRESS}) it is"
        program.services.manager.record(
            {"type": "message", "id": "m1", "parent": None, "role": "user", "content": "draw"},
            {"type": "message", "id": "m2", "parent": "m1", "role": "assistant", "content": said},
        )
        runner.run(turn(program, Send("thanks")))
    sent = server.requests[-1].json["messages"]
    assert [one["content"] for one in sent] == ["draw", "Here ▨ image (png, 1 kB) it is", "thanks"]
