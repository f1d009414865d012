"""Curves in braille: two by four dots a character."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.text import Text

from mlx_muzero.watch.curve import Curve

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_BLANK = 0x2800
LABEL = 8
"""Columns for the numbers on the left."""


@dataclass(frozen=True)
class View:
    """Which part of the x axis is shown.

    Attributes:
        zoom: length of the whole axis divided by the length shown.
        end: right end, as a share of the whole axis.
    """

    zoom: float = 1.0
    end: float = 1.0

    def zoomed(self, factor: float) -> "View":
        """Zoomed in by a factor, keeping the right end."""
        return View(min(max(self.zoom * factor, 1.0), 256.0), self.end).moved(0.0)

    def moved(self, screens: float) -> "View":
        """Moved by a share of what is shown, within the axis."""
        shown = 1.0 / self.zoom
        return View(self.zoom, min(max(self.end + screens * shown, shown), 1.0))

    def bounds(self, x: Sequence[float]) -> tuple[float, float]:
        """The range of x shown."""
        whole = x[-1] - x[0]
        end = x[0] + self.end * whole
        return end - whole / self.zoom, end


def plot(
    series: Curve,
    width: int,
    height: int,
    style: str,
    x_text: Callable[[float], str],
    y_text: Callable[[float], str],
    view: View,
) -> Text:
    """A curve with numbers on both axes, in `width` x `height` characters."""
    columns, rows = width - LABEL - 1, height - 1
    if columns < 4 or rows < 1:
        return Text("")
    if not len(series):
        return Text("no data yet", style="dim")
    left, right = view.bounds(series.x)
    points = [(x, y) for x, y in zip(series.x, series.y, strict=True) if left <= x <= right]
    if not points:
        return Text("nothing here: press - to zoom out", style="dim")
    low, high = min(y for _, y in points), max(y for _, y in points)
    cells = _rasterize(points, left, right, low, high, columns, rows)
    text = Text(no_wrap=True)
    for row, line in enumerate(cells):
        at = {0: y_text(high), rows - 1: y_text(low)}.get(row, "") if rows > 1 else y_text(high)
        text.append(at[:LABEL].rjust(LABEL), "dim").append("│", "dim")
        text.append("".join(chr(_BLANK + cell) for cell in line), style).append("\n")
    first, last = x_text(left), x_text(right)
    gap = max(columns - len(first) - len(last), 1)
    text.append(" " * LABEL + "└" + first + " " * gap + last, "dim")
    return text


def _rasterize(
    points: Sequence[tuple[float, float]],
    left: float,
    right: float,
    low: float,
    high: float,
    columns: int,
    rows: int,
) -> list[list[int]]:
    """Braille cells ``[rows][columns]`` of the points, joined by vertical strokes."""
    wide, tall = 2 * columns, 4 * rows
    spans: dict[int, tuple[int, int]] = {}
    before: tuple[int, int] | None = None
    for x, y in points:
        # Divide first: the inverse of a small range may overflow.
        column = round((x - left) / (right - left) * (wide - 1)) if right > left else 0
        row = round((high - y) / (high - low) * (tall - 1)) if high > low else tall // 2
        for at, dot in _stroke(before, (column, row)):
            above = dot if before is None else before[1]
            # Where the curve is steep, a column extends to the dot of the previous one.
            joined = above + (dot > above) - (dot < above)
            top, bottom = spans.get(at, (dot, dot))
            spans[at] = (min(top, dot, joined), max(bottom, dot, joined))
            before = (at, dot)
    cells = [[0] * columns for _ in range(rows)]
    for column, (top, bottom) in spans.items():
        for row in range(top, bottom + 1):
            cells[row // 4][column // 2] |= _DOTS[row % 4][column % 2]
    return cells


def _stroke(start: tuple[int, int] | None, end: tuple[int, int]) -> Sequence[tuple[int, int]]:
    """Dots from one point to the next, one per column."""
    if start is None or end[0] - start[0] < 1:
        return [end]
    width = end[0] - start[0]
    rise = end[1] - start[1]
    return [
        (start[0] + step, start[1] + round(rise * step / width)) for step in range(1, width + 1)
    ]
