"""What the program has learnt outlives a run, whichever of several programs learnt it."""

from __future__ import annotations

from pathlib import Path

from gptchat.storage.learned_store import LearnedStore


def test_two_programs_learn_beside_each_other(tmp_path: Path) -> None:
    """What another program has written since this one last looked is still there after this one writes."""
    file = tmp_path / "learnt.json"
    one, other = LearnedStore(file), LearnedStore(file)
    assert one.part("tokens") == other.part("windows") == {}  # both have read the file before either writes
    one.saver("tokens")({"m": {"ratio": 1.25}})
    one.flush()
    other.saver("windows")({"m": 8192})
    other.flush()
    later = LearnedStore(file)
    assert later.part("tokens") == {"m": {"ratio": 1.25}}
    assert later.part("windows") == {"m": 8192}


def test_only_what_changed_is_written(tmp_path: Path) -> None:
    """A part that this program has read and not changed stays as another program has written it since."""
    file = tmp_path / "learnt.json"
    one, other = LearnedStore(file), LearnedStore(file)
    one.saver("tokens")({"m": 1})
    one.flush()
    assert other.part("tokens") == {"m": 1}
    one.saver("tokens")({"m": 2})
    one.flush()
    other.saver("windows")({"m": 8192})
    other.flush()
    assert LearnedStore(file).part("tokens") == {"m": 2}


def test_nothing_learnt_writes_nothing(tmp_path: Path) -> None:
    """A run that learnt nothing, and one that is not to be remembered, leave no file."""
    LearnedStore(tmp_path / "a" / "learnt.json").flush()
    secret = LearnedStore(tmp_path / "b" / "learnt.json", readonly=True)
    secret.saver("tokens")({"m": 1})
    secret.flush()
    assert secret.part("tokens") == {"m": 1}
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_refuses_is_tried_again(tmp_path: Path) -> None:
    """What could not be written is written later, when the disk takes it."""
    folder = tmp_path / "data"
    folder.write_text("a file where the folder should be")
    kept = LearnedStore(folder / "learnt.json")
    kept.saver("tokens")({"m": 1})
    kept.flush()
    folder.unlink()
    kept.flush()
    assert LearnedStore(folder / "learnt.json").part("tokens") == {"m": 1}


def test_a_damaged_file_is_left_out(tmp_path: Path) -> None:
    """A file that cannot be read, or holds something else, costs nothing but learning again."""
    file = tmp_path / "learnt.json"
    for damage in (b"", b"{torn", b"[1]", b'{"tokens": [1]}', b"\xff\xfe"):
        file.write_bytes(damage)
        kept = LearnedStore(file)
        assert kept.part("tokens") == {}
        kept.saver("tokens")({"m": 1})
        kept.flush()
        assert LearnedStore(file).part("tokens") == {"m": 1}
