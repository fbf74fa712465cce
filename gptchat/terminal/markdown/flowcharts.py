"""Reads simple Mermaid flow charts: boxes, rounded boxes and diamonds, with labelled arrows between them."""

from __future__ import annotations

import re

from gptchat.terminal.markdown.canvas import UndrawableError, label
from gptchat.values import dataclass, field

_HEADER = re.compile(r"(?:flowchart|graph)(?:[ \t]+(TB|TD|LR))?[ \t]*(?:;|\Z)")
_COSMETIC = re.compile(r"(?:classDef|class|style|linkStyle)\s")
_NAME = re.compile(r"\s*(\w+(?:-\w+)*)")
_CLASS = re.compile(r":::[\w-]+")
_SHAPES = (
    ("([", "])", "round"),
    ("[[", "]]", "box"),
    ("[(", ")]", "round"),
    ("[/", "/]", "box"),
    ("[\\", "\\]", "box"),
    ("((", "))", "round"),
    ("{{", "}}", "diamond"),
    ("[", "]", "box"),
    ("(", ")", "round"),
    ("{", "}", "diamond"),
    (">", "]", "box"),
)
_END = r"(>|[ox](?=[\s|]))?"
_ARROW = re.compile(
    r"\s*(<?)(-{3,}|-{2,}(?=>|[ox][\s|])|={3,}|={2,}(?=>|[ox][\s|])|-\.+-)" + _END + r"\s*(?:\|([^|]*)\|)?\s*"
)
_WORDED = re.compile(
    r'\s*(<?)(--|==|-\.)\s*("[^"]*"|[^-=.|>\s"](?:(?!--|==|\.-)[^|"])*?)\s*(-{2,}|={2,}|\.+-)' + _END + r"\s*"
)
_HEADS = {">": ">", "o": "○", "x": "×", "": ""}
MOST_NODES, MOST_EDGES = 40, 80


@dataclass(slots=True)
class Node:
    """A box with its text."""

    text: str
    shape: str = "box"


@dataclass(frozen=True, slots=True)
class Edge:
    """An arrow; `begin` and `end` are its heads: `>` (any arrow), another sign, or empty."""

    source: str
    target: str
    text: str
    begin: str
    end: str
    style: str


@dataclass(slots=True)
class FlowChart:
    """The nodes by name, in the order of their first mention, and the edges. `across`: from left to right."""

    across: bool
    nodes: dict[str, Node] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)


def read(lines: list[str]) -> FlowChart:
    """The flow chart in `lines` (without comments and blank lines). Raises UndrawableError for anything else."""
    header = _HEADER.match(lines[0])
    if header is None:
        raise UndrawableError
    chart = FlowChart(header[1] == "LR")
    for line in [lines[0][header.end() :], *lines[1:]]:
        for statement in _statements(line):
            if not _COSMETIC.match(statement):
                _read(statement, chart)
    if not chart.nodes or len(chart.nodes) > MOST_NODES or len(chart.edges) > MOST_EDGES:
        raise UndrawableError
    return chart


def _statements(line: str) -> list[str]:
    """The statements of a line; a `;` in quotes or in an entity (`#35;`) separates none."""
    parts = re.findall(r'(?:"[^"]*"|#\w+;|[^;])+', line)
    return [part.strip() for part in parts if part.strip()]


def _read(statement: str, chart: FlowChart) -> None:
    sources, at = _group(statement, 0, chart)
    while at < len(statement):
        worded = None
        arrow = _ARROW.match(statement, at)
        if arrow is None:
            worded = _WORDED.match(statement, at)
        match = arrow or worded
        if match is None:
            raise UndrawableError
        begin, line = match[1], match[2]
        text, end = (match[4], match[3]) if arrow else (match[3], match[5])
        style = "thick" if line[0] == "=" else "dotted" if "." in line else ""
        targets, at = _group(statement, match.end(), chart)
        for source in sources:
            for target in targets:
                if source == target:
                    raise UndrawableError
                heads = (">" if begin else "", _HEADS[end or ""])
                chart.edges.append(Edge(source, target, label(text or ""), *heads, style))
        sources = targets


def _group(statement: str, at: int, chart: FlowChart) -> tuple[list[str], int]:
    """The nodes joined by `&` that begin at `at`, and the place after them."""
    names: list[str] = []
    while True:
        name, at = _node(statement, at, chart)
        names.append(name)
        rest = re.compile(r"\s*&").match(statement, at)
        if rest is None:
            return names, at + len(statement[at:]) - len(statement[at:].lstrip())
        at = rest.end()


def _node(statement: str, at: int, chart: FlowChart) -> tuple[str, int]:
    match = _NAME.match(statement, at)
    if match is None or match[1] in ("subgraph", "end", "direction", "click"):
        raise UndrawableError
    name, at = match[1], match.end()
    node = chart.nodes.setdefault(name, Node(label(name)))
    for opener, closer, shape in _SHAPES:
        if statement.startswith(opener, at):
            begin = at + len(opener)
            quoted = re.compile(r'\s*"[^"]*"\s*').match(statement, begin)
            end = quoted.end() if quoted else statement.find(closer, begin)
            if end < 0 or not statement.startswith(closer, end):
                continue
            text = statement[begin:end]
            if not quoted and re.search(r'[\[\](){}|"]', text):
                continue
            node.text, node.shape = label(text), shape
            at = end + len(closer)
            break
    if of_class := _CLASS.match(statement, at):
        at = of_class.end()
    return name, at


def returning(chart: FlowChart) -> set[int]:
    """The numbers of the edges that close a cycle, found by a walk from the nodes in their order."""
    outgoing: dict[str, list[int]] = {name: [] for name in chart.nodes}
    for number, edge in enumerate(chart.edges):
        outgoing[edge.source].append(number)
    back: set[int] = set()
    state: dict[str, int] = {}  # 1: on the walk, 2: done
    for root in chart.nodes:
        walk = [(root, iter(outgoing[root]))] if root not in state else []
        state.setdefault(root, 1)
        while walk:
            name, rest = walk[-1]
            number = next(rest, -1)
            if number < 0:
                state[name] = 2
                walk.pop()
                continue
            target = chart.edges[number].target
            if state.get(target) == 1:
                back.add(number)
            elif target not in state:
                state[target] = 1
                walk.append((target, iter(outgoing[target])))
    return back


def ranks(chart: FlowChart, back: set[int]) -> dict[str, int]:
    """The layer of each node: behind all that lead to it, with a layer between for a label."""
    rank = dict.fromkeys(chart.nodes, 0)
    for _round in range(len(chart.nodes) + 1):
        changed = False
        for number, edge in enumerate(chart.edges):
            first, last = (edge.target, edge.source) if number in back else (edge.source, edge.target)
            least = rank[first] + (2 if edge.text else 1)
            if rank[last] < least:
                rank[last], changed = least, True
        if not changed:
            return rank
    raise UndrawableError
