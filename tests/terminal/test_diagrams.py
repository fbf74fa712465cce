"""Mermaid diagrams as boxes: nothing of the source is lost, nothing is wider than the window, nothing flickers."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptchat.core.width import cells
from gptchat.terminal.markdown import MarkdownStream, render_lines
from gptchat.terminal.markdown.diagrams import MOST_LINES, draw
from gptchat.terminal.markdown.lines import plain
from gptchat.terminal.output.clipboard import code_blocks
from gptchat.terminal.output.theme import Theme
from tests.terminal.documents import document
from tests.terminal.emulator import Window
from tests.terminal.test_stream import cut, streamed, written

THEME = Theme("dark")
WORDS = (
    "start",
    "valid input",
    "登录成功",
    "save it",
    "数据库",
    "ok",
    "retry 3 times",
    "😀 done",
    "a_b*c",
    "x / y",
    "é",
)
LOGIN = "flowchart TD\nA[开始] --> B{登录成功？}\nB -->|是| C[首页]\nB -- 否 --> D([错误提示])\nD -.-> A\n"


def flow_chart(chance: random.Random) -> tuple[str, list[str]]:
    """A random flow chart, and its labels."""
    count = chance.randint(2, 9)
    names = [f"n{number}" for number in range(count)]
    labels: list[str] = []
    lines = [f"{chance.choice(['flowchart', 'graph'])} {chance.choice(['TD', 'TB', 'LR'])}"]
    for name in names:
        shape = chance.choice(["[{}]", "({})", "([{}])", "{{{}}}", '["{}"]', "[({})]", "(({}))"])
        labels.append(chance.choice(WORDS))
        lines.append("  " + name + shape.format(labels[-1]))
    for number in range(1, count):
        other = chance.randrange(count)
        pairs = [(names[chance.randrange(number)], names[number])]
        if chance.random() < 0.3 and other != number:
            pairs.append((names[number], names[other]))
        for source, target in pairs:
            if chance.random() < 0.4:
                labels.append(chance.choice(WORDS))
                arrow = chance.choice(["-->|{}|", "-- {} -->", "-.->|{}|", "==>|{}|"]).format(labels[-1])
            else:
                arrow = chance.choice(["-->", "---", "-.->", "==>", "---->"])
            lines.append(f"  {source} {arrow} {target}")
    return "\n".join(lines) + "\n", labels


def sequence(chance: random.Random) -> tuple[str, list[str]]:
    """A random sequence diagram, and its labels."""
    people = ["Alice", "鲍勃", "S"][: chance.randint(2, 3)]
    labels = list(people)
    lines = ["sequenceDiagram"] + [f"participant p{number} as {name}" for number, name in enumerate(people)]
    frames = 0
    for _ in range(chance.randint(1, 10)):
        one, other = chance.randrange(len(people)), chance.randrange(len(people))
        labels.append(chance.choice(WORDS))
        kind = chance.randint(0, 6)
        if kind == 0:
            lines.append(f"loop {labels[-1]}")
            frames += 1
        elif kind == 1 and one != other:
            lines.append(f"Note over p{one},p{other}: {labels[-1]}")
        elif kind == 2:
            lines.append(f"Note {chance.choice(['left of', 'right of', 'over'])} p{one}: {labels[-1]}")
        else:
            lines.append(f"p{one}{chance.choice(['->>', '-->>', '->', '-x', '-)'])}p{other}: {labels[-1]}")
    return "\n".join(lines + ["end"] * frames) + "\n", labels


def squeezed(text: str) -> str:
    """`text` without blanks, because a label may be folded."""
    return "".join(text.split())


@pytest.mark.parametrize("kind", [flow_chart, sequence])
@settings(max_examples=120, deadline=None)
@given(seed=st.integers(0, 2**40), width=st.sampled_from([40, 79, 200]))
def test_a_drawing_has_every_label_and_fits(kind: object, seed: int, width: int) -> None:
    """Whatever is drawn has every label of the source as often as the source, and no row wider than asked for."""
    assert callable(kind)
    source, labels = kind(random.Random(seed))
    rows = draw(source, width)
    if rows is None:
        return
    assert all(cells(row) <= width for row in rows)
    text = "\n".join(rows)
    for label in set(labels):
        if " " not in label:
            assert text.count(label) >= labels.count(label)
        else:
            assert all(word in text for word in label.split())
    assert draw(source, width) == rows


def test_most_simple_diagrams_are_drawn() -> None:
    """At 100 columns nine of ten simple diagrams are drawn and not shown as their source."""
    drawn = [draw(kind(random.Random(seed))[0], 100) for kind in (flow_chart, sequence) for seed in range(200)]
    assert sum(rows is not None for rows in drawn) >= 330


@settings(max_examples=120, deadline=None)
@given(st.text(max_size=200), st.integers(0, 2**40), st.sampled_from([flow_chart, sequence]))
def test_drawing_never_fails(noise: str, seed: int, kind: object) -> None:
    """No source, however damaged, raises: what is not understood as a whole is not drawn."""
    assert callable(kind)
    chance = random.Random(seed)
    source, _labels = kind(chance)
    at = chance.randrange(len(source))
    for text in (noise, "flowchart TD\n" + noise, "sequenceDiagram\n" + noise, source[:at] + noise + source[at:]):
        rows = draw(text, 79)
        assert rows is None or all(cells(row) <= 79 for row in rows)


@pytest.mark.parametrize(
    "source",
    [
        "flowchart TD\nsubgraph one\nA --> B\nend\n",
        "flowchart TD\nA --> B\nclick A callback\n",
        "flowchart TD\nA[unclosed --> B\n",
        "flowchart TD\nfoo bar baz\n",
        "flowchart TD\nA --> A\n",
        "flowchart RL\nA --> B\n",
        "flowchart TD\nA[⚠️ careful] --> B\n",
        "flowchart TD\nA[नमस्ते] --> B\n",
        "flowchart TD\n" + "".join(f"A{n} --> A{n + 1}\n" for n in range(60)),
        "sequenceDiagram\nA->>B: x\nfrobnicate y\n",
        "sequenceDiagram\nloop for ever\nA->>B: x\n",
        'pie\n"a": 1\n',
        "",
    ],
)
def test_what_is_not_simple_is_not_drawn(source: str) -> None:
    """Unknown statements, too many nodes and text whose width terminals disagree on are left as source."""
    assert draw(source, 79) is None


def test_a_flow_chart_looks_like_one() -> None:
    """Boxes stand in layers below each other, with arrows, labels on them, and Chinese aligned."""
    assert draw("graph TD\nA[Start] --> B{Ok?}\nB -->|是| C(保存)\nB -->|no| D", 40) == [
        "     ┌───────┐",
        "     │ Start │",
        "     └───┬───┘",
        "         │",
        "         ▼",
        "      ╱─────╲",
        "      │ Ok? │",
        "      ╲──┬──╱",
        "       ┌─┴──┐",
        "       │    │",
        "      是   no",
        "    ┌──┘    └──┐",
        "    ▼          ▼",
        "╭───────╮   ┌─────┐",
        "│ 保存  │   │  D  │",
        "╰───────╯   └─────┘",
    ]
    assert draw("flowchart LR\nA --yes--> B -.-> C", 40) == [
        "┌─────┐           ┌─────┐   ┌─────┐",
        "│  A  ├────yes───►│  B  ├┄┄►│  C  │",
        "└─────┘           └─────┘   └─────┘",
    ]


def test_a_sequence_looks_like_one() -> None:
    """People stand side by side, their messages in order below them."""
    assert draw("sequenceDiagram\nAlice->>+Bob: Hello\nBob-->>-Alice: Hi\nBob->>Bob: think", 40) == [
        "┌───────┐  ┌─────┐",
        "│ Alice │  │ Bob │",
        "└───┬───┘  └──┬──┘",
        "    │  Hello  │",
        "    ├────────►│",
        "    │    Hi   │",
        "    │◄┄┄┄┄┄┄┄┄┤",
        "    │         ├──┐ think",
        "    │         │◄─┘",
        "    │         │",
    ]


def test_the_direction_gives_way_to_the_width() -> None:
    """A chart from left to right that does not fit is drawn from top to bottom, and else not at all."""
    source = "flowchart LR\n" + " --> ".join(f"N{n}[step number {n}]" for n in range(6))
    wide, narrow = draw(source, 200), draw(source, 40)
    assert wide is not None
    assert narrow is not None
    assert len(wide) == 3
    assert len(narrow) > 20
    assert draw(source, 9) is None


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**40), width=st.sampled_from([20, 40, 79]))
def test_a_streamed_diagram_reads_as_the_whole_one(seed: int, width: int) -> None:
    """However a reply with diagrams is cut, in lists and quotes too, it is printed as if it came whole."""
    chance = random.Random(seed)
    blocks = []
    for kind in chance.choices([flow_chart, sequence], k=2):
        mark = chance.choice(["", "> ", "  "])
        fence = f"```mermaid\n{kind(chance)[0]}" + ("```" if chance.random() < 0.9 else "")
        lines = "\n".join(mark + line for line in fence.split("\n"))
        blocks.append(("- item\n\n" if mark == "  " else "") + lines)
    text = f"{document(chance)[:200]}\n\n{blocks[0]}\n\n{document(chance)[:200]}\n\n{blocks[1]}\n\nend"
    text = text.replace("[ref]", "ref")
    whole = written(render_lines(text, width, THEME))
    assert written(streamed(cut(text, chance, 60), width, tails=True)) == whole
    assert written(streamed(list(text), width)) == whole


def test_a_diagram_is_source_until_it_is_complete() -> None:
    """While it streams its source is shown; when the fence closes, the drawing; number and source stay."""
    reply = f"```sh\nls\n```\n\n```mermaid\n{LOGIN}```\n\nDone."
    window = Window(rows=60)
    window.stream(reply[: reply.index("D -.->")])
    window.now += 1
    window.painter.frame()
    assert any("B -->|是| C[首页]" in row for row in window.lines)
    window.stream(reply[reply.index("D -.->") :])
    window.painter.finish()
    text = "\n".join(window.transcript)
    assert "╶ mermaid · 2" in text
    assert "-->" not in text
    assert "错误提示" in text.replace(" ", "")
    assert code_blocks(reply)[1].text == LOGIN


def test_a_long_source_is_not_held() -> None:
    """A source longer than what is drawn is printed as code while it arrives, as if it had come whole."""
    text = "```mermaid\nflowchart TD\n" + "".join(f"A{n} --> A{n + 1}\n" for n in range(3 * MOST_LINES)) + "```\n"
    stream = MarkdownStream(THEME)
    most = 0
    lines = []
    for line in text.splitlines(keepends=True):
        stream.feed(line)
        lines += stream.commit(79)
        most = max(most, stream.pending)
    assert most < 3000
    assert lines + stream.finish(79) == render_lines(text, 79, THEME)
    assert len([line for line in lines if "-->" in plain(line)]) == 3 * MOST_LINES


def test_the_largest_chart_takes_no_time() -> None:
    """A chart of as many nodes and arrows as are drawn is laid out in less than a second."""
    chance = random.Random(1)
    begun = time.process_time()
    for _ in range(3):
        lines = [f"N{n}[{chance.choice(WORDS)} {n}] --> N{chance.randrange(n)}" for n in range(1, 40)]
        lines += [f"N{chance.randrange(20)} --> N{chance.randrange(20, 40)}" for _ in range(40)]
        draw("flowchart TD\n" + "\n".join(lines), 79)
    assert (time.process_time() - begun) / 3 < 1
