"""`/search --meaning`: what it finds, what it asks, what it sends, and that removed texts keep no vectors."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from gptchat.commands.effects import Ask, Pick, Replay
from gptchat.commands.program import Program
from gptchat.core.session import Session, move
from gptchat.errors import ConfigurationError, QuotaError, UsageError
from gptchat.knowledge.vectors import Vectors, digest_of
from gptchat.storage.index import search
from gptchat.storage.vectors.passages import Passages
from tests.meaning.vector_server import VectorServer
from tests.storage.helpers import assistant, turn, user
from tests.support.program import compose_program, data, effects, running, settings_for, shown
from tests.support.server import refuse

PRICED = "[models.e]\ninput = 1000.0\n"
SAID = ("the cat sat on the mat", "async tasks and event loops", "bread and eggs for breakfast")


@pytest.fixture
def server() -> Iterator[VectorServer]:
    """A server with embeddings."""
    with VectorServer() as server:
        yield server


def composed(folder: Path, server: VectorServer, more: str = "", *flags: str, attended: bool = True) -> Program:
    """A program whose search uses the model `e` of `server`."""
    config = settings_for(server.url) + '[search]\nembeddings = "test:e"\n' + more
    return compose_program(folder, config, *flags, attended=attended)


def say(program: Program, *texts: str) -> list[Session]:
    """A session for each of `texts`."""
    sessions = [program.services.journals.create("ann", {}) for _text in texts]
    for session, text in zip(sessions, texts, strict=True):
        turn(program.services.journals, session, text, f"yes, {text}")
    return sessions


def test_it_asks_once_and_finds_by_meaning(server: VectorServer, tmp_path: Path) -> None:
    """What it would send is told first; after a yes, sessions are found that share no whole phrase."""
    program = composed(tmp_path, server)
    with running(program) as runner:
        sessions = say(program, *SAID)
        first = runner.run(effects(program, "/search --meaning event loops", "y", None))
        assert "6 passages of 3 sessions have no vectors of e yet" in shown(first)
        assert "/search --stop" in shown(first)
        runner.run(program.services.meaning.filling.wait())
        assert program.services.meaning.filling.trouble is None
        assert program.services.indexing.share is None
        found = data(runner.run(effects(program, "/search --meaning loops of an event", None)))
        assert found[0]["session"] == sessions[1].id
        assert found[0]["line"] == "async tasks and event loops"
        assert found[0]["by"] == "meaning"
        both = data(runner.run(effects(program, "/search --meaning eggs", None)))
        assert (both[0]["session"], both[0]["by"], both[0]["title"]) == (sessions[2].id, "both", SAID[2])
        say(program, "a new one on lighthouses")  # agreed: no question
        again = runner.run(effects(program, "/search --meaning lighthouses", None))
        assert not any(isinstance(one, Ask) for one in again)
    assert len(server.embedded) >= 6


def test_nothing_is_sent_without_a_yes(server: VectorServer, tmp_path: Path) -> None:
    """After a no only the searched words leave, and what has no vectors is told and found by its words."""
    program = composed(tmp_path, server)
    with running(program) as runner:
        say(program, *SAID)
        told = runner.run(effects(program, "/search --meaning event loops", "n", None))
    assert "at a price that is not known" in shown(told)
    assert "6 passages have no vectors yet" in shown(told)
    assert data(told)[0]["by"] == "words"
    assert server.embedded == ["event loops"]


def test_a_script_sends_nothing_but_what_it_searches(server: VectorServer, tmp_path: Path) -> None:
    """Where nobody can be asked, `--fill` is the word; then it waits for all, and the next run finds them."""
    program = composed(tmp_path, server, attended=False)
    with running(program) as runner:
        say(program, *SAID)
        told = runner.run(effects(program, "/search --meaning cat mat", None))
        assert "gptchat /search --fill" in shown(told)
        assert server.embedded == ["cat mat"]
        filled = runner.run(effects(program, "/search --fill"))
        assert "every passage" in shown(filled)
        assert data(filled) == {"model": "test/e", "passages": 6, "missing": 0}
    program = composed(tmp_path, server, attended=False)
    with running(program) as runner:
        found = data(runner.run(effects(program, "/search --meaning mat of a cat", None)))
    assert found[0]["line"] == SAID[0]
    assert len(server.embedded) == 8


def test_what_is_agreed_once_is_fetched_at_a_search(server: VectorServer, tmp_path: Path) -> None:
    """With `search.fill = "always"` a search from the shell fetches what was said since the last one."""
    program = composed(tmp_path, server, 'fill = "always"\n', attended=False)
    with running(program) as runner:
        say(program, *SAID)
        found = runner.run(effects(program, "/search --meaning breakfast of eggs", None))
    assert data(found)[0]["line"] == SAID[2]
    assert len(server.embedded) == 7


def test_the_estimate_and_the_budget(server: VectorServer, tmp_path: Path) -> None:
    """A paid model's price is told before; once the day's budget is spent nothing more goes."""
    program = composed(tmp_path, server, PRICED + "[budget]\ndaily = 0.02\n", attended=False)
    with running(program) as runner:
        say(program, *SAID)
        runner.run(effects(program, "/search --fill"))
        say(program, "more and more is said here")
        with pytest.raises(QuotaError):
            runner.run(effects(program, "/search --fill"))
        spent = len(server.embedded)
        found = runner.run(effects(program, "/search --meaning cat", None))
        assert "found by words alone" in shown(found)
        assert len(server.embedded) == spent
    program = composed(tmp_path, server, PRICED)
    with running(program) as runner:
        say(program, "something quite new")
        told = shown(runner.run(effects(program, "/search --meaning new", "n", None)))
    assert "about US$" in told or "about $" in told


def test_it_opens_at_the_turn_on_another_branch(server: VectorServer, tmp_path: Path) -> None:
    """A passage that is on another branch of a session is opened there."""
    program = composed(tmp_path, server, 'fill = "always"\n', attended=False)
    with running(program) as runner:
        [session] = say(program, "a question on tulips")
        store = program.services.journals
        [left] = store.append(session, [user("lighthouses by the sea", "m2")])
        store.append(session, [assistant("they are tall", left["id"]), move("m2")])
        runner.run(effects(program, "/search --fill"))
        done = runner.run(effects(program, "/search --meaning sea lighthouses there", session.id))
        assert isinstance(done[-1], Replay)
        assert left["id"] in program.services.manager.session.path_ids()
        [pick] = [one for one in done if isinstance(one, Pick)]
        assert pick.found[0][3] == "lighthouses by the sea"


def test_a_server_that_fails_leaves_the_words(server: VectorServer, tmp_path: Path) -> None:
    """Where the server cannot be asked, sessions are found by their words, and why is told."""
    program = composed(tmp_path, server, attended=False)
    with running(program) as runner:
        say(program, *SAID)
        server.replies.append(refuse(404, "no such thing"))
        told = runner.run(effects(program, "/search --meaning breakfast", None))
        assert "found by words alone" in shown(told)
        assert "--embeddings" in shown(told)
        assert data(told)[0]["by"] == "words"
        assert "nothing was found" in shown(runner.run(effects(program, "/search --meaning zzz")))


def test_it_can_be_stopped_and_goes_on(server: VectorServer, tmp_path: Path) -> None:
    """`--stop` ends the fetching; what came is kept, and the next time only the rest is fetched."""
    program = composed(tmp_path, server)
    server.most = 2
    meaning = program.services.meaning

    async def some() -> str:
        await effects(program, "/search --fill")
        while len(server.embedded) < 80:  # the refused ones included
            await asyncio.sleep(0.005)
        return shown(await effects(program, "/search --stop"))

    with running(program) as runner:
        say(program, *(" ".join([f"number {number}"] * 3) for number in range(20)))
        assert "stopped" in runner.run(some())
        assert "no vectors are being fetched" in shown(runner.run(effects(program, "/search --stop")))
        halfway = runner.run(meaning.missing("ann", meaning.embedder()))
        assert 0 < len(halfway.places) < halfway.total
        runner.run(effects(program, "/search --fill"))
        runner.run(meaning.filling.wait())
        assert not runner.run(meaning.missing("ann", meaning.embedder())).places


def test_a_failure_behind_the_prompt_is_told_next_time(server: VectorServer, tmp_path: Path) -> None:
    """Why the fetching ended early is told with the next search."""
    program = composed(tmp_path, server)
    with running(program) as runner:
        say(program, *SAID)
        server.replies.append(refuse(401, "no"))
        runner.run(effects(program, "/search --fill"))
        runner.run(program.services.meaning.filling.wait())
        assert "last time it ended early" in shown(runner.run(effects(program, "/search --fill")))


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("", "no model for embeddings is set"),
        ('[search]\nembeddings = "demo:demo"\n', "demo has no embeddings"),
        ('[search]\nembeddings = "test:"\n', "does not name a provider and a model"),
        ('[search]\nembeddings = "nobody:x"\n', "nobody"),
    ],
)
def test_what_is_not_set_is_told(server: VectorServer, tmp_path: Path, config: str, words: str) -> None:
    """Without a model, with the demo, or with a name that is none, it says so and how to set one."""
    program = compose_program(tmp_path, settings_for(server.url) + config)
    with running(program) as runner, pytest.raises(ConfigurationError, match=words):
        runner.run(effects(program, "/search --meaning cat"))
    with running(program) as runner, pytest.raises(UsageError, match="TEXT"):
        runner.run(effects(program, "/search"))


def vector_file(folder: Path) -> bytes:
    """Every byte of the files of vectors."""
    return b"".join(path.read_bytes() for path in sorted((folder / "data" / "cache").glob("vectors.sqlite3*")))


def test_a_removed_session_takes_its_vectors_along(server: VectorServer, tmp_path: Path) -> None:
    """After `/delete --forever` no byte of its vectors or digests is left; what others say stays."""
    program = composed(tmp_path, server, attended=False)
    with running(program) as runner:
        gone, stays = say(program, SAID[0], SAID[1])
        runner.run(effects(program, "/search --fill"))
        digest, other = digest_of(SAID[0]), digest_of(SAID[1])
        assert digest in vector_file(tmp_path)
        program.services.library.delete_forever("ann", gone.id)
        assert digest not in vector_file(tmp_path)
        assert gone.id.encode() not in vector_file(tmp_path)
        assert other in vector_file(tmp_path)
        sent = len(server.embedded)
        assert "every passage" in shown(runner.run(effects(program, "/search --fill")))
        assert len(server.embedded) == sent
        program.services.library.delete("ann", stays.id)
        assert other in vector_file(tmp_path)  # in the trash: it may come back
        program.services.library.empty_trash("ann")
        assert other not in vector_file(tmp_path)


def test_a_session_removed_by_hand_loses_its_vectors(server: VectorServer, tmp_path: Path) -> None:
    """A journal that was deleted or changed by other means keeps no vectors after the next search."""
    program = composed(tmp_path, server, attended=False)
    with running(program) as runner:
        gone, changed, _stays = say(program, *SAID)
        runner.run(effects(program, "/search --fill"))
        program.services.journals.path(gone).unlink()
        path = program.services.journals.path(changed)
        path.write_text(path.read_text().replace("async", "asynchronous"))
        runner.run(effects(program, "/search --fill"))
        kept = vector_file(tmp_path)
    assert digest_of(SAID[0]) not in kept
    assert digest_of(SAID[1]) not in kept
    assert digest_of(SAID[1].replace("async", "asynchronous")) in kept
    assert digest_of(SAID[2]) in kept


def test_the_cache_may_be_deleted(server: VectorServer, tmp_path: Path) -> None:
    """Without the file of vectors, or with a damaged one, everything is fetched anew."""
    program = composed(tmp_path, server, attended=False)
    cache = tmp_path / "data" / "cache"
    with running(program) as runner:
        say(program, *SAID)
        for _time in range(2):
            runner.run(effects(program, "/search --fill"))
            assert data(runner.run(effects(program, "/search --meaning mat cat", None)))[0]["line"] == SAID[0]
            (cache / "vectors.sqlite3").write_bytes(b"no database at all" * 500)
        runner.run(effects(program, "/search --fill"))
        assert len(Vectors(cache).missing("test/e", [digest_of(text) for text in SAID])) == 0


def test_no_cache_is_told(server: VectorServer, tmp_path: Path) -> None:
    """Where the cache cannot be used, it is said rather than paid for in vain."""
    program = composed(tmp_path, server, attended=False)
    cache = tmp_path / "data" / "cache"
    cache.parent.mkdir(parents=True, exist_ok=True)
    with running(program) as runner:
        say(program, *SAID)
        cache.write_text("a file where the folder should be")
        with pytest.raises(UsageError, match="cache"):
            runner.run(effects(program, "/search --fill"))
    assert server.embedded == []


def test_a_message_that_goes_on_is_one_passage(tmp_path: Path) -> None:
    """A reply that was continued is found as a whole, and removed in every state that it ever had."""
    program = compose_program(tmp_path)
    store = program.services.journals
    session = store.create("ann", {})
    store.append(session, [user("begin")])
    store.append(session, [assistant("first half", "m1")])
    passages = Passages(store.data, tmp_path / "cache")
    assert passages.update("ann")
    store.append(session, [{"type": "continuation", "message": "m2", "content": " second half"}])
    assert passages.behind("ann") > 0
    assert passages.update("ann")
    texts = passages.texts("ann", [place for _digest, place in passages.places("ann")])
    assert sorted(texts.values()) == [("assistant", "first half second half"), ("user", "begin")]
    Vectors(tmp_path / "cache").add_all("m", {digest_of(one): [1.0, 0.5] for one in ("first half", "begin")})
    forget = passages.forgetting([store.path(session)])
    store.path(session).unlink()
    forget()
    assert Vectors(tmp_path / "cache").missing("m", [digest_of("first half"), digest_of("begin")]) == [
        digest_of("first half"),
        digest_of("begin"),
    ]


def test_a_search_from_the_shell_indexes(
    server: VectorServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much is new, a search from the shell indexes it, so that the next one is quick."""
    monkeypatch.setattr(search, "AT_ONCE", 10)
    program = composed(tmp_path, server, attended=False)
    with running(program) as runner:
        say(program, *SAID)
        assert program.services.indexing.index.behind("ann") > 10
        assert data(runner.run(effects(program, "/search mat", None)))[0]["line"] == SAID[0]
        assert program.services.indexing.index.behind("ann") == 0
    assert server.embedded == []
