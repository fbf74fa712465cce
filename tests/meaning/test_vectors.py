"""The vectors in the cache and their ranking, by rule."""

from __future__ import annotations

import random
import tempfile
from math import sqrt
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptchat.conversation.meaning.fusing import Near, best_sentence, fuse
from gptchat.knowledge import vectors as ranking
from gptchat.knowledge.vectors import Vectors, digest_of
from gptchat.storage.index.matching import Hit
from gptchat.storage.vectors.cutting import LONGEST, columns, cut, sentences

texts = st.text(st.sampled_from("ab .!?\n中文。！é🎉"), max_size=3000)


@settings(max_examples=60, deadline=None)
@given(texts)
def test_passages_cover_a_text(text: str) -> None:
    """Every letter of a text is in exactly one passage, in order, and none is longer than models take."""
    spans = cut(text)
    covered = "".join(text[first:last] for first, last, _tokens in spans)
    if len(spans) < 60:
        assert "".join(covered.split()) == "".join(text.split())
    for first, last, tokens in spans:
        assert text[first:last].strip()
        assert columns(text[first:last]) <= LONGEST
        assert tokens > 0
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())


def test_sentences_stay_whole() -> None:
    """Passages end where sentences do, and a new paragraph begins a new one once there is enough."""
    text = "One sentence here. " * 60 + "\n\n" + "第二段的一句话。" * 80
    spans = cut(text)
    assert all(text[first:last].rstrip().endswith((".", "。")) for first, last, _tokens in spans)
    assert len(cut("x" * 100_000)) == 64


@settings(max_examples=8, deadline=None)
@given(st.integers(1, 70), st.integers(1, 12), st.integers(0, 10**6))
def test_the_nearest_are_found(count: int, size: int, seed: int) -> None:
    """Of any vectors the nearest come first, by the cosine, and only those that were asked for."""
    chance = random.Random(seed)
    known = {digest_of(str(at)): [chance.gauss(0, 1) for _component in range(size)] for at in range(count)}
    query = [chance.gauss(0, 1) for _component in range(size)]
    among = {digest for digest in known if chance.random() < 0.8}
    with tempfile.TemporaryDirectory() as folder:
        vectors = Vectors(Path(folder))
        for digest, vector in known.items():
            if chance.random() < 0.1:
                assert vectors.add("m", digest, vector)
        vectors.add_all("m", known)
        found = vectors.rank("m", query, among, 5)

        def cosine(vector: list[float]) -> float:
            dot = sum(a * b for a, b in zip(vector, query, strict=True))
            return dot / sqrt(sum(a * a for a in vector)) / sqrt(sum(b * b for b in query))

        expected = sorted(((cosine(known[digest]), digest) for digest in among), reverse=True)[:5]
        assert [score for _digest, score in found] == pytest.approx(
            [score for score, _digest in expected], abs=1e-4
        )
        assert {digest for digest, _score in found} <= among
        gone = [*among][:3]
        vectors.forget(gone)
        assert set(vectors.missing("m", known)) == set(gone)
        kept = b"".join(path.read_bytes() for path in Path(folder).glob("vectors.sqlite3*"))
        assert not any(digest in kept for digest in gone)


def test_many_are_narrowed_by_their_signs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many vectors those are compared that may be near; the nearest is found among noise in any direction."""
    monkeypatch.setattr(ranking, "_EXACT", 50)
    chance = random.Random(4)
    offset = [chance.gauss(0, 0.5) for _component in range(64)]  # as of models whose vectors share a direction
    known = {digest_of(str(at)): [chance.gauss(0, 1) + shared for shared in offset] for at in range(5000)}
    vectors = Vectors(tmp_path)
    vectors.add_all("m", known)
    for digest in [*known][::500]:
        near = [component + chance.gauss(0, 0.3) for component in known[digest]]
        assert vectors.rank("m", near, known, 2)[0][0] == digest


def test_another_size_is_another_model(tmp_path: Path) -> None:
    """Vectors of another size than before replace them: another model has the name now."""
    vectors = Vectors(tmp_path)
    first, second = digest_of("a"), digest_of("b")
    vectors.add("m", first, [1.0, 2.0])
    assert vectors.rank("m", [1.0], {first}) == []
    assert vectors.rank("m", [0.0, 0.0], {first}) == [(first, 0.0)]
    vectors.add_all("m", {})
    vectors.add("m", second, [1.0, 2.0, 3.0])
    assert vectors.size("m") == 3
    assert vectors.missing("m", [first, second, first]) == [first]
    assert vectors.rank("m", [1.0, 1.0, 1.0], {first, second}, 0) == []


def test_without_a_cache_nothing_is_kept() -> None:
    """Where there is no cache, vectors are not kept, and nothing fails."""
    vectors = Vectors(None)
    assert not vectors.add("m", digest_of("a"), [1.0])
    assert vectors.rank("m", [1.0], {digest_of("a")}) == []
    vectors.forget([digest_of("a")])


def test_words_and_meaning_are_merged() -> None:
    """A session that both find comes first; its place is that of the list where it is higher."""
    hits = [Hit(name, f"title {name}", "m1", "user", f"line {name}", ()) for name in "abc"]
    near = [Near(name, "m9", "assistant", f"Far off. Near {name}.", 0.9) for name in "cd"]
    found = fuse(hits, [near[0], near[0], near[1]], "near", 3)
    assert [(one.session, one.by) for one in found] == [("c", "both"), ("a", "words"), ("b", "words")]
    assert (found[0].message, found[0].line, found[0].title) == ("m9", "Near c.", "title c")


def test_the_sentence_that_matched() -> None:
    """Of a passage the sentence is shown that shares most with what was asked, in any script."""
    assert best_sentence("Hello there. The cat sat. Bye.", "a cat sits") == "The cat sat."
    assert best_sentence("今天很好。鸡蛋在桌子上。再见。", "鸡蛋") == "鸡蛋在桌子上。"
    assert best_sentence("  ", "x") == ""
