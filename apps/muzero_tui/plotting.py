"""Curves in braille: two by four dots a character."""

from collections.abc import Callable, Iterator, Mapping, Sequence
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


@dataclass(frozen=True)
class Line:
    """A curve.

    Attributes:
        curve: its points.
        style: of its dots.
        name: written at its right end, where several have to be told apart.
    """

    curve: Curve
    style: str
    name: str = ""


def plot(
    lines: Sequence[Line],
    width: int,
    height: int,
    x_text: Callable[[float], str],
    y_text: Callable[[float], str],
    view: View,
    *,
    levels: Mapping[str, float] | None = None,
    star: tuple[float, float, str] | None = None,
) -> Text:
    """Curves with numbers on both axes, in `width` x `height` characters.

    Args:
        lines: the first on top.
        width: columns.
        height: lines.
        x_text: number of the x axis, as text.
        y_text: number of the y axis, as text.
        view: which part of the x axis is shown.
        levels: named values of y, drawn as dashed lines.
        star: x and y of a point to mark, and its style.
    """
    columns, rows = width - LABEL - 1, height - 1
    if columns < 4 or rows < 1:
        return Text("")
    axis = [x for line in lines if len(line.curve) for x in (line.curve.x[0], line.curve.x[-1])]
    if not axis:
        return Text("no data yet", style="dim")
    left, right = view.bounds((min(axis), max(axis)))
    shown = [_between(line.curve, left, right) for line in lines]
    values = [y for points in shown for _, y in points]
    if not values:
        return Text("nothing here: press - to zoom out", style="dim")
    values += (levels or {}).values()
    low, high = min(values), max(values)
    cells: dict[tuple[int, int], tuple[str, str]] = {}
    for name, level in (levels or {}).items():
        _draw_level(cells, name, _place(high, level, low, rows), columns)
    dots: dict[tuple[int, int], int] = {}
    for line, points in reversed(list(zip(lines, shown, strict=True))):
        raster = _rasterize(points, left, right, low, high, columns, rows) if points else []
        for at, cell in ((at, cell) for at, cell in _filled(raster) if cell):
            dots[at] = dots.get(at, 0) | cell
            cells[at] = chr(_BLANK + dots[at]), line.style
    for line, points in reversed(list(zip(lines, shown, strict=True))):
        if line.name and points:
            end = max(_place(left, points[-1][0], right, columns) - len(line.name) + 1, 0)
            row = _place(high, points[-1][1], low, rows)
            for column, glyph in enumerate(line.name, end):
                cells[row, column] = glyph, f"bold {line.style}"
    if star is not None and left <= star[0] <= right:
        column = _place(left, star[0], right, columns)
        cells[_place(high, star[1], low, rows), column] = "★", star[2]
    return _with_axes(cells, (low, high), (left, right), columns, rows, x_text, y_text)


def _between(curve: Curve, left: float, right: float) -> list[tuple[float, float]]:
    return [(x, y) for x, y in zip(curve.x, curve.y, strict=True) if left <= x <= right]


def _place(first: float, value: float, last: float, count: int) -> int:
    """Which of `count` cells from `first` to `last` holds a value."""
    span = last / 2 - first / 2  # halved: the difference of two numbers may be no number
    share = (value / 2 - first / 2) / span if span else 0.5
    return min(max(round(share * (count - 1)), 0), count - 1)


def _draw_level(
    cells: dict[tuple[int, int], tuple[str, str]], name: str, row: int, columns: int
) -> None:
    """A dashed line with its name at the right end."""
    for column, glyph in enumerate(f" {name}".rjust(columns, "╌")[:columns]):
        cells[row, column] = glyph, "dim"


def _filled(raster: list[list[int]]) -> Iterator[tuple[tuple[int, int], int]]:
    for row, line in enumerate(raster):
        for column, cell in enumerate(line):
            yield (row, column), cell


def _with_axes(
    cells: Mapping[tuple[int, int], tuple[str, str]],
    y_range: tuple[float, float],
    x_range: tuple[float, float],
    columns: int,
    rows: int,
    x_text: Callable[[float], str],
    y_text: Callable[[float], str],
) -> Text:
    low, high = y_range
    text = Text(no_wrap=True)
    for row in range(rows):
        at = {0: y_text(high), rows - 1: y_text(low)}.get(row, "") if rows > 1 else y_text(high)
        text.append(at[:LABEL].rjust(LABEL), "dim").append("│", "dim")
        for column in range(columns):
            text.append(*cells.get((row, column), (" ", "")))
        text.append("\n")
    first, last = x_text(x_range[0]), x_text(x_range[1])
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
