"""ChatGPT's export comes in with its branches, titles and times; what is broken is named, the rest is there."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptchat.core.session import Session
from gptchat.errors import UsageError
from gptchat.exchange.importing import Imported, import_file
from gptchat.exchange.readers import read
from gptchat.exchange.session_builder import Broken, SessionDraft
from gptchat.storage.index.library import Library
from gptchat.storage.store import JournalStore
from tests.storage.helpers import texts


def node(id: str, parent: str | None, role: str | None, text: str = "", **message: Any) -> dict[str, Any]:
    """A node of a conversation; no role: no message."""
    content = {"content_type": "text", "parts": [text]}
    said = {"id": id, "author": {"role": role}, "content": content, "create_time": 1_700_000_000.5, "weight": 1.0}
    return {"id": id, "parent": parent, "children": [], "message": None if role is None else {**said, **message}}


def conversation(*nodes: dict[str, Any], current: str | None = None, **fields: Any) -> dict[str, Any]:
    """A conversation as the export has it."""
    mapping = {entry["id"]: entry for entry in nodes}
    for entry in nodes:
        if entry["parent"] in mapping:
            mapping[entry["parent"]]["children"].append(entry["id"])
    return {
        "title": "数据 and pandas",
        "create_time": 1_700_000_000.123,
        "update_time": 1_700_000_900.0,
        "mapping": mapping,
        "current_node": current or nodes[-1]["id"],
        "conversation_id": "c-1",
        **fields,
    }


TREE = conversation(
    node("root", None, None),
    node("hidden", "root", "system", "", weight=0),
    node("q1", "hidden", "user", "What is pandas?"),
    node("a1", "q1", "assistant", "A bear.", metadata={"model_slug": "gpt-4o"}),
    node("a2", "q1", "assistant", "A library."),
    node("q2", "a2", "user", "Run it"),
    node("call", "q2", "assistant", "import pandas", recipient="python"),
    node("out", "call", "tool", "3"),
    node("a3", "out", "assistant", "It says 3."),
    node("q3", "a1", "user", "Which bear?"),
    current="a3",
)


@pytest.fixture
def store(tmp_path: Path) -> JournalStore:
    return JournalStore(tmp_path / "data")


def take(store: JournalStore, path: Path) -> Imported:
    return import_file(store, Library(store.data), "alice", path)


def the_session(store: JournalStore) -> Session:
    (info,) = Library(store.data).list("alice")
    return store.open("alice", info.id)


def test_branches_titles_and_times(store: JournalStore, tmp_path: Path) -> None:
    """A conversation keeps its branches, title, times, models and head; tools and hidden parts stay out."""
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps([TREE]))
    result = take(store, path)
    session = the_session(store)
    assert result.broken == []
    assert result.left_out == 2
    assert session.id.startswith("20231114-221320-")
    assert session.title == "数据 and pandas"
    assert session.created == "2023-11-14T22:13:20Z"
    assert texts(session) == ["What is pandas?", "A library.", "Run it", "It says 3."]
    assert list(session.children_of("q1")) == ["a1", "a2"]
    assert list(session.children_of("a1")) == ["q3"]
    assert session.parent_of("a3") == "q2"
    assert session.messages["a1"].model == "gpt-4o"
    assert session.messages["q1"].ts == "2023-11-14T22:13:20Z"


def test_imported_twice_and_grown(store: JournalStore, tmp_path: Path) -> None:
    """The same export adds nothing, and a later one of the same conversation adds what is new."""
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps([TREE]))
    take(store, path)
    assert take(store, path).known == 1
    grown = json.loads(json.dumps(TREE))
    grown["mapping"]["q4"] = node("q4", "a3", "user", "And then?")
    grown["current_node"] = "q4"
    path.write_text(json.dumps([grown]))
    assert [taken.messages for taken in take(store, path).sessions] == [1]
    assert texts(the_session(store))[-2:] == ["It says 3.", "And then?"]


def test_kinds_of_content(store: JournalStore, tmp_path: Path) -> None:
    """Pictures and recordings in a message are named, and a visible system message becomes the system prompt."""
    parts = ["Look:", {"content_type": "image_asset_pointer", "asset_pointer": "file://x"}, {"text": "said"}, None]
    source = conversation(
        node("s", None, "system", "Be brief."),
        node("q", "s", "user", content={"content_type": "multimodal_text", "parts": parts}),
        node("t", "q", "assistant", content={"content_type": "thoughts", "thoughts": []}),
        node("c", "t", "assistant", content={"content_type": "code", "text": "print(1)"}),
    )
    path = tmp_path / "file.json"
    path.write_text(json.dumps([source]))
    assert take(store, path).broken == []
    session = the_session(store)
    assert texts(session) == ["Look:\nsaid\n\n[x]", "print(1)"]
    assert session.settings == {"system": "Be brief."}


def shards() -> dict[str, bytes]:
    return {
        f"conversations-00{number}.json": json.dumps(
            [{**TREE, "conversation_id": f"c-{number}-{which}"} for which in range(2)]
        ).encode()
        for number in range(3)
    }


def test_sharded_zipped_and_in_a_folder(store: JournalStore, tmp_path: Path) -> None:
    """All parts of a large export come in, from its zip as from a folder, and other files in it are no matter."""
    folder = tmp_path / "export"
    folder.mkdir()
    archive = tmp_path / "export.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("user.json", "{}")
        file.writestr("chat.html", "<html>")
        for name, data in shards().items():
            file.writestr("export/" + name, data)
            (folder / name).write_bytes(data)
    seen: list[tuple[int, int]] = []
    result = import_file(
        store, Library(store.data), "alice", archive, lambda done, total: seen.append((done, total))
    )
    assert len(result.sessions) == 6
    assert len({taken.id for taken in result.sessions}) == 6
    assert seen == sorted(seen)
    assert take(store, folder).known == 6
    assert take(store, folder / "conversations-001.json").known == 2


def test_broken_parts(store: JournalStore, tmp_path: Path) -> None:
    """Of an export with broken parts each is named, and everything else comes in."""
    lost = conversation(node("q", "gone", "user", "still here"), conversation_id="c-2", title="Lost")
    odd = conversation(
        node("q", None, "user", "fine"),
        {"id": "x", "parent": "q", "children": [], "message": {"author": None, "content": 3}},
        node("a", "x", "assistant", "fine too"),
        conversation_id="c-3",
    )
    odd["mapping"]["y"] = "nonsense"
    good = [json.dumps(source) for source in (TREE, lost, odd)]
    text = (
        "["
        + ", ".join([good[0], '{"title": "no map"}', "17", '{"title": "cut", "mapping": {"a": [}', *good[1:]])
        + "]"
    )
    path = tmp_path / "conversations.json"
    path.write_text(text)
    result = take(store, path)
    assert len(result.sessions) == 3
    assert len(result.broken) == 6
    assert [part for part in result.broken if "Lost" in part and "gone" in part]
    assert [part for part in result.broken if "conversation 2" in part]
    by_title = {info.title: info for info in Library(store.data).list("alice")}
    assert texts(store.open("alice", by_title["Lost"].id)) == ["still here"]


def test_a_file_cut_in_the_middle(store: JournalStore, tmp_path: Path) -> None:
    """Of an export that was not downloaded whole all whole conversations come in, and the cut is named."""
    whole = json.dumps([{**TREE, "conversation_id": f"c-{number}"} for number in range(3)])
    path = tmp_path / "conversations.json"
    path.write_text(whole[: len(whole) * 5 // 6])
    result = take(store, path)
    assert len(result.sessions) == 2
    assert len(result.broken) == 1


def test_a_loop(store: JournalStore, tmp_path: Path) -> None:
    """Messages whose parents form a loop come in, each once."""
    source = conversation(node("a", "b", "user", "one"), node("b", "a", "assistant", "two"))
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps([source]))
    take(store, path)
    assert sorted(message.text for message in the_session(store).messages.values()) == ["one", "two"]


def test_a_long_conversation(store: JournalStore, tmp_path: Path) -> None:
    """A conversation of thousands of messages comes in whole."""
    nodes = [node("n0", None, "user", "0")]
    nodes += [node(f"n{i}", f"n{i - 1}", "assistant" if i % 2 else "user", str(i)) for i in range(1, 5000)]
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps([conversation(*nodes)]))
    take(store, path)
    assert texts(the_session(store)) == [str(i) for i in range(5000)]


def test_a_zip_without_conversations(store: JournalStore, tmp_path: Path) -> None:
    """A zip that is not ChatGPT's export is refused with a reason."""
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("user.json", "{}")
    with pytest.raises(UsageError):
        take(store, path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(max_size=4), JSON, max_size=4)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from("abcde"),
        JSON
        | st.fixed_dictionaries(
            {},
            optional={
                "parent": st.sampled_from([*"abcdef", None, 3]),
                "children": JSON,
                "message": JSON
                | st.fixed_dictionaries(
                    {
                        "author": st.fixed_dictionaries(
                            {"role": st.sampled_from(["user", "assistant", "tool", "system", 5])}
                        )
                        | JSON,
                        "content": st.fixed_dictionaries({"parts": st.lists(JSON, max_size=2)}) | JSON,
                        "weight": JSON,
                        "create_time": JSON | st.floats(),
                    }
                ),
            },
        ),
        max_size=5,
    ),
    JSON,
    JSON,
)
def test_any_mapping_is_survived(
    tmp_path_factory: pytest.TempPathFactory, mapping: dict[str, Any], title: Any, current: Any
) -> None:
    """Whatever stands in a conversation, reading it never fails, and what can be read makes a tree."""
    path = tmp_path_factory.mktemp("x") / "conversations.json"
    path.write_text(json.dumps([{"title": title, "current_node": current, "mapping": mapping}]))
    items = list(read(path))
    assert all(isinstance(item, SessionDraft | Broken) for item in items)
    for item in items:
        if isinstance(item, SessionDraft):
            session = Session("s", "u")
            for record in item.records:
                session.apply(record)
            assert len(session.messages) == sum(1 for record in item.records if record["type"] == "message")


def _cited(text: str, **metadata: Any) -> tuple[str, list[tuple[str, str]]]:
    """The text and the sources of an assistant's message of an export."""
    from gptchat.core.replies.sources import sources_of

    found = _only(conversation(node("q", None, "user", "?"), node("a", "q", "assistant", text, metadata=metadata)))
    reply = found.path()[-1]
    return reply.text, [(source.url, source.title) for source in sources_of(reply)]


def _only(source: dict[str, Any]) -> Session:
    import io

    from gptchat.exchange.streams import array

    (draft,) = array(io.BytesIO(json.dumps([source]).encode()), "x.json", {})
    assert isinstance(draft, SessionDraft)
    session = Session("s", "u")
    for record in draft.records:
        session.apply(record)
    return session


def test_citation_marks_become_what_they_stand_for() -> None:
    """A private-use mark is replaced by the reference it stands for, and the pages are the message's sources."""
    cite, entity = "\ue200cite\ue202turn0search3\ue201", '\ue200entity\ue202["place","Green Lake"]\ue201'
    page = {"title": "North", "url": "https://lakes.example/north"}
    text = f"It is {entity}. \ue203Blue\ue204{cite} {cite} icon \ue0a0"
    references = [
        {
            "matched_text": cite,
            "type": "grouped_webpages",
            "items": [page],
            "alt": "([lakes](https://lakes.example/north))",
        },
        {"matched_text": entity, "type": "entity", "name": "Green Lake", "alt": "Green Lake"},
        {
            "matched_text": " ",
            "type": "sources_footnote",
            "sources": [page, {"url": "https://b.example", "title": "B"}],
        },
    ]
    link = "([lakes](https://lakes.example/north))"
    assert _cited(text, content_references=references) == (
        f"It is Green Lake. Blue{link} {link} icon \ue0a0",
        [("https://lakes.example/north", "North"), ("https://b.example", "B")],
    )
    references[0] = {"matched_text": cite, "type": "webpage", **page}
    assert _cited(text, content_references=references)[0] == "It is Green Lake. Blue[1] [1] icon \ue0a0"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\ue200cite\ue202turn0search3\ue202turn1view0\ue201b", "ab"),
        ("cut \ue200cite\ue202turn0", "cut "),
        ('x \ue200entity\ue202["people","Ada L"]\ue201', "x Ada L"),
        ("x \ue200url\ue202here\ue202https://a.example\ue201", "x [here](https://a.example)"),
        ("x \ue200filecite\ue202turn0file1\ue201", "x "),
        ("icons \ue200 \ue0b0", "icons \ue200 \ue0b0"),
    ],
)
def test_marks_without_a_reference_are_dropped(text: str, expected: str) -> None:
    """A mark that nothing explains goes, but the name of an entity and the words of a link stay."""
    assert _cited(text) == (expected, [])


def test_older_citations_become_numbers() -> None:
    """The older form, with the page's number and a dagger, becomes a number in the list of sources."""
    text = "Blue【11†source】 and high【3†source】."
    citations = [
        {"start_ix": 4, "end_ix": 15, "metadata": {"title": "A", "url": "https://a.example"}},
        {"start_ix": 24, "end_ix": 34, "metadata": {"title": "B", "url": "https://b.example"}},
    ]
    assert _cited(text, citations=citations) == (
        "Blue[1] and high[2].",
        [("https://a.example", "A"), ("https://b.example", "B")],
    )
    assert _cited(text) == (text, [])
