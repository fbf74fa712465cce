"""/docs, as a person types it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from prompt_toolkit.document import Document

from gptchat.commands.effects import Ask, Progress
from gptchat.conversation.collections.store import Collection, name_for, valid_name
from gptchat.errors import GptchatError, UsageError
from gptchat.terminal.completing.shell import complete
from gptchat.terminal.input.candidates import ChatCandidates
from gptchat.terminal.input.completion import ChatCompleter
from tests.documents.test_files import tree
from tests.support.program import command, compose_program, data, effects, running

DEMO = 'provider = "demo"\n'


def test_collections_are_added_listed_and_removed(tmp_path: Path) -> None:
    """A folder becomes a collection of its name; what was left out is told by count; removing it asks."""
    notes = tree(tmp_path / "My notes", {"a.md": "apple", ".b": "", "c.bin": b"\0\1"})
    program = compose_program(tmp_path / "home", DEMO)
    with running(program) as runner:
        assert "no collections yet" in runner.run(command(program, "/docs"))
        done = runner.run(effects(program, f'/docs add "{notes}"'))
        assert data(done) == {
            "name": "My-notes",
            "paths": [str(notes)],
            "files": 1,
            "pieces": 1,
            "read": 2,
            "gone": 0,
            "left_out": {"hidden": 1, "not text": 1},
            "faults": [],
        }
        again = runner.run(effects(program, f"/docs add {notes}/"))
        assert (data(again)["name"], data(again)["read"]) == ("My-notes", 1)
        listed = runner.run(effects(program, "/docs"))
        assert data(listed)["collections"][0]["in_use"] is False
        text = runner.run(command(program, "/docs"))
        assert "#My-notes" in text
        assert "1 hidden" in text
        runner.run(command(program, "/docs use my-notes"))
        assert data(runner.run(effects(program, "/docs")))["use"] == "My-notes"
        store = program.services.conversation.documents.store()
        index = store.index_path("My-notes")
        assert index.exists()
        assert "nothing was changed" in runner.run(command(program, "/docs remove My-notes", "n"))
        asked = runner.run(effects(program, "/docs remove #my-notes", "y"))
        assert isinstance(asked[0], Ask)
        assert data(asked) == {"removed": "My-notes"}
        assert (store.all(), index.exists(), program.services.settings.docs.use) == ([], False, "")
        assert (notes / "a.md").exists()


def test_a_long_reading_shows_its_progress(tmp_path: Path) -> None:
    """While a folder is read, its progress is told."""
    notes = tree(tmp_path / "notes", {f"{n}.md": "x" for n in range(30)})
    program = compose_program(tmp_path / "home", DEMO)
    with running(program) as runner:
        steps = [one for one in runner.run(effects(program, f"/docs add {notes}")) if isinstance(one, Progress)]
        assert {step.total for step in steps} == {30}
        assert steps[0].label == "reading #notes"


def test_names(tmp_path: Path) -> None:
    """Names are made of the last part of a path; none consists of digits, and none is taken twice."""
    tree(tmp_path, {"report.v2.pdf": "x"})
    paths = {"report.v2.pdf": "report-v2", "2024": "docs-2024", "笔记": "笔记", "a b__c": "a-b-c", "...": "docs"}
    assert {name: name_for(tmp_path / name) for name in paths} == paths
    assert name_for(Path("/")) == "docs"
    assert not any(map(valid_name, ("", "1", "a b", "-a", "_a", "a" * 41, "a#")))
    program = compose_program(tmp_path / "home", DEMO)
    with running(program) as runner:
        for folder in ("one/notes", "two/notes", "three/NOTES"):
            tree(tmp_path / folder, {"a.md": folder})
            runner.run(command(program, f"/docs add {tmp_path / folder}"))
        runner.run(command(program, f"/docs add #work {tmp_path / 'one/notes/a.md'}"))
        runner.run(command(program, f"/docs add ＃Work {tmp_path / 'two/notes/a.md'}"))
        store = program.services.conversation.documents.store()
        assert [one.name for one in store.all()] == ["notes", "notes-2", "NOTES-3", "work"]
        assert len(store.all()[3].paths) == 2


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("/docs add", "say which folder or file"),
        ("/docs add /nowhere/at/all", "there is no /nowhere/at/all"),
        ("/docs add #1 x", "cannot be the name"),
        ("/docs add #notes", "say which folder or file"),
        ("/docs add ~nobody-here/x", "there is no"),
        ("/docs add SECRET", "is not added"),
        ("/docs add DENIED", "attach.deny"),
        ("/docs use nots", "no collection #nots"),
        ("/docs remove", "say which collection"),
        ("/docs zap", "zap"),
    ],
)
def test_what_cannot_be_done_is_told(line: str, says: str, tmp_path: Path) -> None:
    """A wrong path, name or action is told with what to do, and nothing changes."""
    tree(tmp_path, {".ssh/id_rsa": "x", "denied/a.md": "x"})
    line = line.replace("SECRET", str(tmp_path / ".ssh")).replace("DENIED", str(tmp_path / "denied"))
    program = compose_program(tmp_path / "home", DEMO + '[attach]\ndeny = ["denied/**"]\n')
    with running(program) as runner:
        with pytest.raises(GptchatError) as caught:
            runner.run(command(program, line))
        assert says in caught.value.message
        assert program.services.conversation.documents.store().all() == []


def test_a_folder_without_text_fails(tmp_path: Path) -> None:
    """A folder in which nothing can be read is told as such; a script sees it by the exit status."""
    folder = tree(tmp_path / "pictures", {"torn.pdf": b"%PDF-1.4 torn"})
    program = compose_program(tmp_path / "home", DEMO)
    with running(program) as runner:
        done = runner.run(effects(program, f"/docs add {folder}"))
        assert done[-1].failed  # type: ignore[union-attr] # the last effect shows the result
        assert "torn.pdf" in data(done)["faults"][0]


def test_incognito_adds_nothing(tmp_path: Path) -> None:
    """An incognito run adds no collection."""
    folder = tree(tmp_path / "notes", {"a.md": "a"})
    program = compose_program(tmp_path / "home", DEMO, "--incognito")
    with running(program) as runner, pytest.raises(UsageError, match="incognito"):
        runner.run(command(program, f"/docs add {folder}"))


def test_a_removed_person_leaves_no_documents(tmp_path: Path) -> None:
    """The collections of a person go with them, and the indexes, which hold their text; a new name keeps both."""
    folder = tree(tmp_path / "notes", {"a.md": "apple"})
    program = compose_program(tmp_path / "home", DEMO)
    with running(program) as runner:
        runner.run(command(program, f"/docs add {folder}"))
        runner.run(command(program, "/users rename ann eve"))
        store = program.services.conversation.documents.store()
        assert [one.name for one in store.all()] == ["notes"]
        runner.run(command(program, f"/docs add {folder}"))
        runner.run(effects(program, "/user bob", "y"))
        runner.run(effects(program, "/users remove eve", "y"))
        cache = program.services.paths.cache_dir / "collections"
        assert [*cache.rglob("*.sqlite3")] == []
        assert program.services.conversation.documents.store().all() == []


def test_unknown_fields_are_kept(tmp_path: Path) -> None:
    """What another version wrote into the list of collections stays; what is no collection is passed over."""
    program = compose_program(tmp_path / "home", DEMO)
    tree(tmp_path / "notes", {"a.md": "a"})
    with running(program) as runner:
        file = program.services.paths.data_dir / "users" / "ann" / "collections.json"
        entries = [{"name": "old", "paths": ["/x", 1], "more": 1}, 7, {"name": 1}, {"name": "a b", "paths": []}]
        file.write_text(json.dumps({"v": 1, "collections": entries, "new": True}))
        store = program.services.conversation.documents.store()
        assert store.all() == [Collection("old", ("/x",))]
        runner.run(command(program, f"/docs add {tmp_path / 'notes'}"))
        document = json.loads(file.read_text())
        assert document["new"] is True
        assert document["collections"][:-1] == entries
        runner.run(command(program, "/docs --yes remove notes"))
        assert json.loads(file.read_text())["collections"] == entries


def test_names_complete(tmp_path: Path) -> None:
    """Tab behind `#` offers the collections, and behind /docs use and remove; behind add, paths."""
    folder = tree(tmp_path / "notes", {"a.md": "a"})
    program = compose_program(tmp_path / "home", DEMO)

    async def completions(text: str) -> list[str]:
        completer = ChatCompleter(program.registry, candidates)
        document = Document(text)
        completer.applies(document)
        for _turn in range(100):
            found = [one.text async for one in completer.get_completions_async(document, None)]  # type: ignore[arg-type]
            if found:
                return found
            await asyncio.sleep(0.01)
        return []

    with running(program) as runner:
        candidates = ChatCandidates(program)
        completer = ChatCompleter(program.registry, candidates)
        assert not completer.applies(Document("# Head"))
        runner.run(command(program, f"/docs add {folder}"))
        candidates.refresh()
        for line in ("say #no", "#", "（＃n"):
            assert runner.run(completions(line)) == ["notes "]
            assert completer.applies(Document(line))
        assert runner.run(completions("/docs use n")) == ["notes"]
        assert runner.run(completions(f"/docs add {folder}/")) == [f"{folder}/a.md"]
        offered = complete(["/docs", "use"], "", lambda _options: program)
        assert [one.text for one in offered.candidates] == ["notes"]
        assert complete(["/docs", "add"], "", lambda _options: program).files
        file = program.services.paths.data_dir / "users" / "ann" / "collections.json"
        file.write_text("{")
        candidates.refresh()
        candidates._read_collections()
        assert candidates.of("collection", "", None) == []  # type: ignore[arg-type] # not looked at
