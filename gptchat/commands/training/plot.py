"""A curve as a few lines of text, such as the losses of a training."""

from __future__ import annotations

from collections.abc import Sequence

_BARS = " ▁▂▃▄▅▆▇█"


def plot(points: Sequence[tuple[int, float]], width: int = 60, height: int = 5) -> str:
    """`points`, (step, value) pairs in the order of their steps, as columns of at most `width` by `height`.

    A column stands for the mean of its points. The scale begins at 0 or below, since a loss has no other end.
    """
    ordered = sorted(points)
    columns = min(width, len(ordered))
    values = []
    for column in range(columns):
        part = ordered[len(ordered) * column // columns : len(ordered) * (column + 1) // columns]
        values.append(sum(value for _step, value in part) / len(part))
    top, bottom = max(values), min(*values, 0.0)
    span = (top - bottom) or 1.0
    eighths = [round((value - bottom) / span * height * 8) for value in values]
    labels = {height - 1: f"{top:.3g}", 0: f"{bottom:.3g}"}
    wide = max(map(len, labels.values()))
    rows = []
    for row in range(height - 1, -1, -1):
        bars = "".join(_BARS[min(max(one - row * 8, 0), 8)] for one in eighths)
        rows.append(f"{labels.get(row, ''):>{wide}} │{bars}".rstrip())
    first, last = str(ordered[0][0]), str(ordered[-1][0])
    gap = max(columns - len(first) - len(last), 1)
    return "\n".join((*rows, f"{'':>{wide}} └{'─' * columns}", f"{'':>{wide}}  {first}{' ' * gap}{last}"))
