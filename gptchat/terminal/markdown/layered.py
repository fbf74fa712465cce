"""Lays a flow chart out in layers and draws it: each arrow leads from a layer to a later one.

Arrows that go back are laid out in the other direction and keep their heads. In this module `along` is the axis
from layer to layer (down, or to the right for a chart across), and `aside` the axis within a layer.
"""

from __future__ import annotations

from itertools import pairwise

from gptchat.core.width import cells
from gptchat.terminal.markdown.canvas import EAST, NORTH, SOUTH, WEST, Canvas, UndrawableError, folded
from gptchat.terminal.markdown.flowcharts import FlowChart, ranks, returning
from gptchat.values import dataclass, field

_CORNERS = {"box": "┌┐└┘", "round": "╭╮╰╯", "diamond": "╱╲╲╱"}
_SWEEPS = 8
_MOST_ITEMS = 400
"""Maximum nodes, labels and places where an arrow passes a layer."""


@dataclass(eq=False, slots=True)
class _Item:
    """Something in a layer: a node, the label of an arrow, or (without lines) a place where an arrow passes."""

    layer: int
    lines: list[str]
    shape: str = ""
    thick: int = 1
    """Extent along; `broad` is the extent aside, always odd so that there is a middle."""
    broad: int = 1
    at: int = 0
    """The first place aside."""
    style: str = ""

    def middle(self, back: bool) -> int:
        """The place where arrows begin or end; those that go `back` have their own."""
        shift = 0 if not back or not self.shape else 2 if self.broad >= 7 else 1
        return self.at + self.broad // 2 + shift


@dataclass(eq=False, slots=True)
class _Step:
    """The part of an arrow between two neighbouring layers."""

    source: _Item
    target: _Item
    begin: str
    end: str
    style: str
    back: bool
    track: int = 0


@dataclass(eq=False, slots=True)
class _Plan:
    layers: list[list[_Item]] = field(default_factory=list)
    steps: list[_Step] = field(default_factory=list)


def drawn(chart: FlowChart, *, across: bool, fold: int) -> list[str]:
    """The rows of `chart`, with labels folded to `fold` columns. UndrawableError if arrows would mingle."""
    plan = _planned(chart, across, fold)
    _order(plan)
    _place(plan, gap=1 if across else 3)
    for _attempt in range(2):
        try:
            return _paint(plan, across)
        except UndrawableError:  # arrows in one line: move every other layer aside
            for layer in plan.layers[1::2]:
                for item in layer:
                    item.at += 2
    return _paint(plan, across)


def _planned(chart: FlowChart, across: bool, fold: int) -> _Plan:
    back = returning(chart)
    rank = ranks(chart, back)
    plan = _Plan([[] for _ in range(max(rank.values()) + 1)])
    aside = [edge for number, edge in enumerate(chart.edges) if number in back or edge.begin]
    busy = {name for edge in aside for name in (edge.source, edge.target)}
    items = {
        name: _node(folded(node.text, fold), node.shape, rank[name], across, name in busy)
        for name, node in chart.nodes.items()
    }
    for item in items.values():
        plan.layers[item.layer].append(item)
    for number, edge in enumerate(chart.edges):
        first, last, begin, end = edge.source, edge.target, edge.begin, edge.end
        if number in back:
            first, last, begin, end = last, first, end, begin
        source, target = items[first], items[last]
        chain = [_Item(layer, [], style=edge.style) for layer in range(source.layer + 1, target.layer)]
        if edge.text:
            middle = chain[len(chain) // 2]
            middle.lines = folded(edge.text, fold)
            wide, high = max(map(cells, middle.lines)), len(middle.lines)
            middle.thick, middle.broad = (wide + 2, high | 1) if across else (high, wide | 1)
        for item in chain:
            plan.layers[item.layer].append(item)
        path = [source, *chain, target]
        for place, (one, other) in enumerate(pairwise(path)):
            heads = (begin if place == 0 else "", end if place == len(path) - 2 else "")
            plan.steps.append(_Step(one, other, *heads, edge.style, number in back or bool(edge.begin)))
    if sum(map(len, plan.layers)) > _MOST_ITEMS:
        raise UndrawableError
    return plan


def _node(lines: list[str], shape: str, layer: int, across: bool, busy: bool) -> _Item:
    wide = max(max(map(cells, lines)) | 1, 3 if not busy else 5) + 4
    if across and (len(lines) % 2 == 0 or (busy and len(lines) < 3)):
        lines = [*lines, ""] if len(lines) % 2 == 0 else ["", *lines, ""]
    high = len(lines) + 2
    thick, broad = (wide, high) if across else (high, wide)
    return _Item(layer, lines, shape, thick, broad)


def _order(plan: _Plan) -> None:
    """Order the items of each layer by their neighbours' places; the order with the fewest crossings is kept."""
    before: dict[_Item, list[_Item]] = {}
    after: dict[_Item, list[_Item]] = {}
    for step in plan.steps:
        after.setdefault(step.source, []).append(step.target)
        before.setdefault(step.target, []).append(step.source)
    best, fewest = [list(layer) for layer in plan.layers], _crossings(plan)
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        layers = plan.layers if down else plan.layers[::-1]
        for previous, layer in pairwise(layers):
            places = {item: place for place, item in enumerate(previous)}
            own = {item: place for place, item in enumerate(layer)}
            neighbours = before if down else after

            def wish(
                item: _Item,
                near: dict[_Item, list[_Item]] = neighbours,
                places: dict[_Item, int] = places,
                own: dict[_Item, int] = own,
            ) -> float:
                found = [places[one] for one in near.get(item, ()) if one in places]
                return sum(found) / len(found) if found else own[item]

            layer.sort(key=wish)
        if (crossings := _crossings(plan)) < fewest:
            best, fewest = [list(layer) for layer in plan.layers], crossings
    plan.layers = best


def _crossings(plan: _Plan) -> int:
    place = {item: number for layer in plan.layers for number, item in enumerate(layer)}
    by_layer: dict[int, list[tuple[int, int]]] = {}
    for step in plan.steps:
        by_layer.setdefault(step.source.layer, []).append((place[step.source], place[step.target]))
    return sum(
        (a[0] - b[0]) * (a[1] - b[1]) < 0
        for steps in by_layer.values()
        for number, a in enumerate(steps)
        for b in steps[:number]
    )


def _place(plan: _Plan, gap: int) -> None:
    """Set the items' places aside: as near to their neighbours' as their order and `gap` allow."""
    before: dict[_Item, list[_Step]] = {}
    after: dict[_Item, list[_Step]] = {}
    for step in plan.steps:
        after.setdefault(step.source, []).append(step)
        before.setdefault(step.target, []).append(step)
    for layer in plan.layers:
        _settle(layer, [0.0] * len(layer), gap)
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 1
        for layer in plan.layers if down else plan.layers[::-1]:
            wishes = []
            for item in layer:
                middle = item.middle(back=False)
                found = [
                    (step.source if down else step.target).middle(step.back) + middle - item.middle(step.back)
                    for step in (before if down else after).get(item, ())
                ]
                wishes.append(sum(found) / len(found) if found else middle)
            _settle(layer, wishes, gap)
    items = [item for layer in plan.layers for item in layer]
    least = min(item.at for item in items)
    for item in items:
        item.at -= least


def _settle(layer: list[_Item], wishes: list[float], gap: int) -> None:
    """Place the items in order with the middles as near to `wishes` as possible (isotonic regression)."""
    offsets, offset = [], 0
    for number, item in enumerate(layer):
        offsets.append(offset + item.broad // 2)
        following = layer[number + 1] if number + 1 < len(layer) else item
        offset += item.broad + (
            gap if item.shape or following.shape else 2 if item.lines or following.lines else 1
        )
    pools: list[tuple[float, float, int]] = []  # sum of weighted wishes, weight, items
    for item, wish, offset in zip(layer, wishes, offsets, strict=True):
        weight = 4.0 if item.shape else 1.0
        total, count = (wish - offset) * weight, 1
        while pools and pools[-1][0] / pools[-1][1] > total / weight:
            before, heavy, number = pools.pop()
            total, weight, count = total + before, weight + heavy, count + number
        pools.append((total, weight, count))
    middles = [round(total / weight) for total, weight, count in pools for _ in range(count)]
    for item, middle, offset in zip(layer, middles, offsets, strict=True):
        item.at = middle + offset - item.broad // 2


def _tracks(steps: list[_Step]) -> int:
    """Give the steps between two layers their tracks, from 1 on (0: straight); the number of tracks.

    Steps from one place share a track. Raises UndrawableError if two arrows would run in one line.
    """
    groups: dict[int, list[_Step]] = {}
    heads: dict[tuple[_Item, bool, bool], set[str]] = {}
    for step in steps:
        heads.setdefault((step.source, step.back, False), set()).add(step.begin)
        heads.setdefault((step.target, step.back, True), set()).add(step.end)
    if any(len(signs) > 1 for signs in heads.values()):
        raise UndrawableError  # one head would seem to belong to all
    for step in steps:
        groups.setdefault(step.source.middle(step.back), []).append(step)
    turning = {
        begin: [step.target.middle(step.back) for step in group]
        for begin, group in groups.items()
        if any(step.target.middle(step.back) != begin for step in group)
    }
    placed: dict[int, int] = {}
    while len(placed) < len(turning):
        # A group must turn before another one comes down to its end in the same line.
        free = [
            begin
            for begin, ends in turning.items()
            if begin not in placed
            and not any(other in ends for other in turning if other != begin and other not in placed)
        ]
        if not free:
            raise UndrawableError
        for begin in free:
            low, high = min(begin, *turning[begin]), max(begin, *turning[begin])
            track = 1
            for other, taken in placed.items():
                if min(other, *turning[other]) <= high and low <= max(other, *turning[other]):
                    track = max(track, taken + 1)
            placed[begin] = track
            for step in groups[begin]:
                step.track = track
    return max(placed.values(), default=0)


def _paint(plan: _Plan, across: bool) -> list[str]:
    canvas = Canvas()
    lead = 1 if across else 0  # free cells before and after the tracks, so that a line is seen
    along = 0
    begins: list[int] = []
    for number, layer in enumerate(plan.layers):
        begins.append(along)
        thick = max((item.thick for item in layer), default=1)
        steps = [step for step in plan.steps if step.source.layer == number]
        tracks = _tracks(steps)
        room = 1 if any(step.begin for step in steps) else 0
        end = along + thick
        after = end + max(lead + room + tracks + 1 + lead, 2 if steps else 1)
        for item in layer:
            if not item.shape:
                _run(canvas, across, item.middle(back=False), along, end - 1, item.style)
            elif steps:
                outgoing = {step.back: step for step in steps if step.source is item}
                for back, step in outgoing.items():
                    _run(canvas, across, item.middle(back), along + item.thick, end - 1, step.style)
        for step in steps:
            own = {
                one.target.middle(one.back) for one in steps if (one.source, one.back) == (step.source, step.back)
            }
            _step(canvas, across, step, own, (end, end + lead + room, after - 1))
        along = after
    for begin, layer in zip(begins, plan.layers, strict=True):
        for item in layer:
            _show(canvas, across, item, begin)
    for step in plan.steps:
        _heads(canvas, across, step, begins)
    return canvas.rows()


def _run(canvas: Canvas, across: bool, aside: int, first: int, last: int, style: str) -> None:
    """A straight line along from `first` to `last`."""
    for along in range(first, last + 1):
        if across:
            canvas.join(along, aside, EAST | WEST, style)
        else:
            canvas.join(aside, along, NORTH | SOUTH, style)


def _step(canvas: Canvas, across: bool, step: _Step, own: set[int], extent: tuple[int, int, int]) -> None:
    """The line of a step: along to its track, aside, and along to the next layer.

    Lines of other arrows are passed below, except at the ends of those from the same place (`own`).
    """
    first, tracks, last = extent
    begin, end = step.source.middle(step.back), step.target.middle(step.back)
    if begin == end:
        _run(canvas, across, begin, first, last, step.style)
        return
    turn = tracks + step.track - 1
    onward, backward, less, more = (EAST, WEST, NORTH, SOUTH) if across else (SOUTH, NORTH, WEST, EAST)
    _run(canvas, across, begin, first, turn - 1, step.style)
    _run(canvas, across, end, turn + 1, last, step.style)
    toward, home = (more, less) if end > begin else (less, more)

    def join(aside: int, directions: int) -> None:
        canvas.join(*((turn, aside) if across else (aside, turn)), directions, step.style)

    join(begin, backward | toward)
    for aside in range(min(begin, end) + 1, max(begin, end)):
        canvas.join(*((turn, aside) if across else (aside, turn)), less | more, step.style, under=aside not in own)
    join(end, home | onward)


def _show(canvas: Canvas, across: bool, item: _Item, begin: int) -> None:
    """The box or the label of an item."""
    if not item.lines:
        return
    x, y = (begin, item.at) if across else (item.at, begin)
    if not item.shape:
        for number, line in enumerate(item.lines):
            inset = 1 if across else (item.broad - cells(line)) // 2
            canvas.text(x + inset, y + number, line)
        return
    wide, high = (item.thick, item.broad) if across else (item.broad, item.thick)
    canvas.box(x, y, wide, high, _CORNERS[item.shape])
    for number, line in enumerate(item.lines):
        canvas.text(x + (wide - cells(line)) // 2, y + 1 + number, line)


def _heads(canvas: Canvas, across: bool, step: _Step, begins: list[int]) -> None:
    """The heads of an arrow, and the joints with boxes where there is none."""
    ends = (
        (step.source, step.begin, begins[step.source.layer] + step.source.thick, -1, "├" if across else "┬", "◄▲"),
        (step.target, step.end, begins[step.target.layer] - 1, 1, "┤" if across else "┴", "►▼"),
    )
    for item, head, along, inward, joint, arrows in ends:
        if not item.shape:
            continue
        aside = item.middle(step.back)
        sign = arrows[0 if across else 1] if head == ">" else head
        place = along if sign else along + inward
        canvas.text(*((place, aside) if across else (aside, place)), sign or joint)
