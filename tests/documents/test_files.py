"""What of a folder becomes a collection, and what is read again."""

from __future__ import annotations

import zipfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptchat.attachments import Policy
from gptchat.conversation.collections import reading
from gptchat.conversation.collections.ignoring import ignored, rule_of
from gptchat.conversation.collections.refreshing import look, take_in, unwatched
from gptchat.conversation.collections.store import Collection
from gptchat.conversation.collections.walking import walk
from gptchat.errors import TurnInterruptedError, UsageError
from gptchat.knowledge.documents import DocumentIndex
from tests.attachments.test_files import pdf
from tests.commands.test_turns import PIXEL

IGNORED = [
    ("*.log", "a.log", True),
    ("*.log", "deep/a.log", True),
    ("/a.log", "deep/a.log", False),
    ("build/", "deep/build/", True),
    ("build/", "build", False),
    ("docs/*.md", "docs/a.md", True),
    ("docs/*.md", "docs/deep/a.md", False),
    ("docs/**", "docs/deep/a.md", True),
    ("**/tmp", "a/b/tmp", True),
    ("a/**/b", "a/x/y/b", True),
    ("a/**/b", "a/b", True),
    ("x**y", "xzy", True),
    ("?.[ch]", "a.c", True),
    ("?.[!ch]", "a.c", False),
    ("[", "[", True),
    (r"\#a", "#a", True),
    (r"a\ ", "a ", True),
    ("a  ", "a", True),
    ("[z-a]", "a", False),
    ("# a", "# a", False),
    ("/", "a", False),
]


@pytest.mark.parametrize(("line", "path", "out"), IGNORED)
def test_gitignore_is_read_as_git_reads_it(line: str, path: str, out: bool) -> None:
    """Stars, ranges, anchors and folders of a pattern mean what they mean to git."""
    rule = rule_of(line)
    found = rule is not None and ignored(path.rstrip("/"), path.endswith("/"), [("", [rule])])
    assert found == out


@given(st.text("a*?[]!/\\- ", max_size=30), st.text("ab/", max_size=30))
def test_no_pattern_fails(line: str, path: str) -> None:
    """Any line of such a file is a rule or none; none takes long or fails."""
    rule = rule_of(line)
    assert rule is None or ignored(path, False, [("", [rule])]) in (True, False)


def tree(folder: Path, files: dict[str, str | bytes]) -> Path:
    """`files` below `folder`, made."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def names(folder: Path) -> tuple[list[str], dict[str, int]]:
    left_out: Counter[str] = Counter()
    return [one.name for one in walk([str(folder)], left_out)], dict(left_out)


def test_ignored_hidden_and_generated_files_are_left_out(tmp_path: Path) -> None:
    """`.gitignore` of each folder and of the repository around it is heeded; what is left out is counted."""
    project = tree(
        tmp_path / "project",
        {
            ".git/config": "",
            ".gitignore": "*.log\n/docs/private/\n!keep.log\n",
            "docs/.gitignore": "!debug.log\ndraft*\n",
            "docs/a.md": "a",
            "docs/debug.log": "d",
            "docs/other.log": "o",
            "docs/draft.md": "x",
            "docs/private/b.md": "b",
            "docs/node_modules/c.js": "c",
            "docs/.secret/d.md": "d",
            "keep.log": "k",
        },
    )
    assert names(project / "docs") == (
        ["docs/a.md", "docs/debug.log"],
        {"hidden": 2, "ignored": 3, "generated": 1},
    )
    assert names(project)[0] == ["project/docs/a.md", "project/docs/debug.log", "project/keep.log"]


def test_links_do_not_lead_out(tmp_path: Path) -> None:
    """A link out of the folder is left out, one within is followed; a missing path is counted."""
    folder = tree(tmp_path / "in", {"a.md": "a"})
    tree(tmp_path, {"out.md": "o", "one.txt": "1"})
    (folder / "out.md").symlink_to(tmp_path / "out.md")
    (folder / "b.md").symlink_to(folder / "a.md")
    (folder / "up").symlink_to(tmp_path)
    (folder / "gone.md").symlink_to(tmp_path / "gone.md")
    assert names(folder) == (["in/a.md", "in/b.md"], {"links that lead out of it": 1, "links": 2})
    assert names(tmp_path / "one.txt") == (["one.txt"], {})
    assert names(tmp_path / "gone") == ([], {"missing": 1})


def test_files_of_all_kinds_are_read(tmp_path: Path) -> None:
    """Text in any encoding, office files, web pages and the pages of a PDF are read; pictures and keys are not."""
    pytest.importorskip("pypdf")
    with zipfile.ZipFile(tmp_path / "a.docx", "w") as archive:
        archive.writestr("word/document.xml", "<d><p><t>Dear Ann</t></p></d>")
    (tmp_path / "a.jar").write_bytes((tmp_path / "a.docx").read_bytes())
    key = b"-----BEGIN PRIVATE KEY-----\n" + b"A" * 64 + b"\n"
    contents = {
        "a.txt": "说明".encode("gb18030") * 20,
        "a.html": b"<h1>Head</h1><script>x</script><p>Text</p>",
        "a.pdf": pdf("from the PDF"),
        "a.png": PIXEL,
        "key.txt": key,
        "deny.md": b"text",
        "empty.md": b" \n",
        "blank.md": b"\xef\xbb\xbf \n",
        "a.bin": bytes(range(256)),
        "torn.pdf": b"%PDF-1.7 torn",
        "a.docx": (tmp_path / "a.docx").read_bytes(),
        "a.jar": (tmp_path / "a.jar").read_bytes(),
    }
    policy = Policy((), ("deny.*",), folder=tmp_path)
    got = {name: reading.text_of(tmp_path / name, data, policy) for name, data in contents.items()}
    texts = {name: one.text.strip() for name, one in got.items() if one.text}
    assert texts == {
        "a.txt": "说明" * 20,
        "a.html": "Head\n\nText",
        "a.pdf": "from the PDF",
        "a.docx": "Dear Ann",
    }
    assert {name: one.reason for name, one in got.items() if one.reason} == {
        "a.png": "images",
        "key.txt": "secret",
        "deny.md": "denied",
        "empty.md": "empty",
        "blank.md": "empty",
        "a.bin": "not text",
        "torn.pdf": "not text",
        "a.jar": "not text",
    }
    assert got["a.pdf"].paged
    assert "torn.pdf" in got["torn.pdf"].fault
    assert reading.contents(tmp_path / "none") is None


class Reads:
    """Counts the files that are read."""

    def __init__(self, stop_after: int = 10**9) -> None:
        self.names: list[str] = []
        self._stop_after = stop_after

    def __call__(self, path: Path) -> bytes | None:
        self.names.append(path.name)
        return reading.contents(path)

    def progress(self, _done: int, _total: int) -> None:
        if len(self.names) >= self._stop_after:
            raise TurnInterruptedError("stopped")


def refresh(folder: Path, index: DocumentIndex, reads: Reads | None = None, *, again: bool = False) -> list[str]:
    """Bring `index` up to date; the names of the files that were read."""
    reads = reads or Reads()
    found = look(Collection("docs", (str(folder),)), index, reads.progress, again=again)
    take_in(found, index, Policy(folder=folder), reads.progress, reads)
    return reads.names


def test_only_what_has_changed_is_read_again(tmp_path: Path) -> None:
    """Of many files the one that has changed is read again, and no other; a new time alone leaves the index be."""
    folder = tree(tmp_path / "docs", {f"{n:03}.md": f"# Part {n}\n\nword{n}" for n in range(120)})
    with DocumentIndex(tmp_path / "i.sqlite3") as index:
        assert len(refresh(folder, index)) == 120
        assert refresh(folder, index) == []
        (folder / "007.md").write_text("# Part 7\n\nnothing as before")
        assert refresh(folder, index) == ["007.md"]
        assert [one.path for one in index.search("nothing as before", 5)] == [str(folder / "007.md")]
        assert index.search("word7", 5) == []
        stamp = index.stamps()[str(folder / "008.md")]
        (folder / "008.md").touch()
        assert refresh(folder, index) == ["008.md"]
        assert index.stamps()[str(folder / "008.md")].digest == stamp.digest
        (folder / "009.md").unlink()
        assert refresh(folder, index) == []
        assert index.totals()[:2] == (119, 119)


def test_a_stopped_reading_goes_on(tmp_path: Path) -> None:
    """What was read before a stop is not read again."""
    folder = tree(tmp_path / "docs", {f"{n}.md": f"word{n}" for n in range(10)})
    with DocumentIndex(tmp_path / "i.sqlite3") as index:
        with pytest.raises(TurnInterruptedError):
            refresh(folder, index, Reads(stop_after=4))
        assert len(refresh(folder, index)) == 6


def test_what_is_away_for_a_while_stays_known(tmp_path: Path) -> None:
    """A folder that is not there now, such as on a drive, is not forgotten."""
    folder = tree(tmp_path / "docs", {"a.md": "apple"})
    with DocumentIndex(tmp_path / "i.sqlite3") as index:
        refresh(folder, index)
        folder.rename(tmp_path / "away")
        refresh(folder, index)
        assert index.totals() == (1, 1, {"missing": 1})


def test_left_out_files_are_tried_again_when_asked(tmp_path: Path) -> None:
    """Adding again reads what could not be read before; what is too large is never read."""
    folder = tree(tmp_path / "docs", {"a.md": "apple", "b.bin": b"\0\1\2" * 9, "big.md": b"x" * 8_000_001})
    (folder / "c.md").symlink_to(folder / "a.md")
    with DocumentIndex(tmp_path / "i.sqlite3") as index:
        assert refresh(folder, index) == ["a.md", "b.bin", "c.md"]
        assert refresh(folder, index, again=True) == ["b.bin"]
        assert index.totals()[2] == {"not text": 1, "too large": 1}


def test_a_file_that_vanishes_is_told_as_unreadable(tmp_path: Path) -> None:
    """A file that cannot be read is counted, and the others are taken in."""
    folder = tree(tmp_path / "docs", {"a.md": "apple", "b.md": "pear"})
    with DocumentIndex(tmp_path / "i.sqlite3") as index:
        found = look(Collection("docs", (str(folder), str(folder))), index, unwatched)
        (folder / "a.md").unlink()
        take_in(found, index, Policy(folder=folder))
        assert index.totals() == (1, 1, {"unreadable": 1})


def test_a_folder_of_far_too_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever adds the root of the disk is told so before anything is read."""
    folder = tree(tmp_path / "docs", {f"{n}.md": "x" for n in range(4)})
    monkeypatch.setattr("gptchat.conversation.collections.refreshing.MOST", 3)
    with DocumentIndex(tmp_path / "i.sqlite3") as index, pytest.raises(UsageError, match="more than 3 files"):
        refresh(folder, index)
