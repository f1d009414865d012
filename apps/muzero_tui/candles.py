"""Candles, fills and the cone ahead, in characters: half a line is the smallest step of a price."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rich.text import Text

from mlx_muzero.market.observation.outcome_cone import (
    HALF_DEVIATIONS,
    MOST_DEVIATIONS,
    ConeBar,
)
from mlx_muzero.watch.price_bars import PriceBar
from muzero_tui.paint import Paint

LABEL = 10
"""Columns for the prices on the left."""

CONE_COLUMNS = 4
"""Of a bar ahead: there are few, and they are to be seen."""

NOTHING, WICK, BODY = 0, 1, 2
_RISING = {(0, 0): " ", (1, 1): "│", (2, 2): "┃", (0, 1): "╷", (1, 0): "╵", (0, 2): "╻",
           (2, 0): "╹", (1, 2): "╽", (2, 1): "╿"}  # fmt: skip
_FALLING = _RISING | {(2, 2): "█", (0, 2): "▄", (2, 0): "▀", (1, 2): "▄", (2, 1): "▀"}
"""Characters by what their upper and their lower half holds; falling bodies are broad."""


@dataclass(frozen=True)
class Fill:
    """A fill to mark.

    Attributes:
        at_ns: UTC time.
        buys: whether exposure rose.
        enters: whether the position grew.
    """

    at_ns: int
    buys: bool
    enters: bool

    @property
    def glyph(self) -> str:
        """A triangle with the direction, filled for an entry."""
        return {(True, True): "▲", (True, False): "△", (False, True): "▼", (False, False): "▽"}[
            self.buys, self.enters
        ]


@dataclass(frozen=True)
class Chart:
    """What is drawn.

    Attributes:
        bars: oldest first, the last one that of the moment shown.
        fills: to mark.
        entry: price of the position held; None without one.
        ahead: the cone from the last close.
        pip: price of a pip, in which the cone is.
    """

    bars: Sequence[PriceBar]
    fills: Sequence[Fill] = ()
    entry: float | None = None
    ahead: Sequence[ConeBar] = ()
    pip: float = 0.0


@dataclass
class _Canvas:
    """Cells of a character and its style, with prices from `low` to `high`."""

    columns: int
    rows: int
    low: float
    high: float
    cells: dict[tuple[int, int], tuple[str, str]] = field(default_factory=dict)

    def half(self, price: float) -> int:
        """The half line of a price, 0 at the top."""
        # Halved first: the difference of two numbers may be no number.
        span = self.high / 2 - self.low / 2
        share = (self.high / 2 - price / 2) / span if span > 0 else 0.5
        return min(max(round(share * (2 * self.rows - 1)), 0), 2 * self.rows - 1)

    def put(self, row: int, column: int, glyph: str, style: str, *, over: bool = True) -> None:
        """Set a cell; with `over` false only an empty one."""
        inside = 0 <= row < self.rows and 0 <= column < self.columns
        if inside and (over or (row, column) not in self.cells):
            self.cells[row, column] = glyph, style


def shown_bars(count: int, width: int, spacing: int, ahead: int, back: int) -> tuple[int, int]:
    """First and last (exclusive) of `count` bars that fit.

    Args:
        count: bars there are.
        width: columns of the whole chart.
        spacing: columns of a bar.
        ahead: bars of the cone.
        back: bars by which the end is moved into the past; the cone is shown at 0.
    """
    columns = width - LABEL - 1 - (_cone_width(ahead) if back == 0 else 0)
    fit = max(columns // spacing, 1)
    stop = max(count - back, min(fit, count))
    return max(stop - fit, 0), stop


def draw_chart(
    chart: Chart,
    width: int,
    height: int,
    spacing: int,
    paint: Paint,
    price_text: Callable[[float], str],
    time_text: Callable[[int], str],
) -> Text:
    """`chart` in `width` x `height` characters; all its bars have to fit (`shown_bars`)."""
    columns, rows = width - LABEL - 1, height - 1
    if columns < 4 or rows < 2 or not chart.bars:
        return Text("")
    cone_left = columns - _cone_width(len(chart.ahead))
    first = max(cone_left - len(chart.bars) * spacing, 0)
    canvas = _Canvas(columns, rows, *_range(chart, rows))
    for place, bar in enumerate(chart.bars):
        _candle(canvas, first + place * spacing, bar, paint)
    _mark(canvas, chart, first, spacing, paint)
    _draw_cone(canvas, chart, cone_left, paint)
    if chart.entry is not None and canvas.low <= chart.entry <= canvas.high:
        for column in range(columns):
            canvas.put(canvas.half(chart.entry) // 2, column, "┈", paint.accent, over=False)
    return _with_axes(canvas, chart, first, cone_left, price_text, time_text)


def _cone_width(ahead: int) -> int:
    return ahead * CONE_COLUMNS + 1 if ahead else 0


def _range(chart: Chart, rows: int) -> tuple[float, float]:
    """Lowest and highest price, with room for the marks of fills."""
    prices = [price for bar in chart.bars for price in (bar.low, bar.high)]
    close = chart.bars[-1].close
    for bar in chart.ahead:
        reach = MOST_DEVIATIONS * bar.deviation
        prices += [close + chart.pip * (bar.mean + side * reach) for side in (-1, 1)]
    low, high = min(prices), max(prices)
    marked = chart.fills or not all(bar.traded for bar in chart.bars)
    room = (high / 2 - low / 2) * 2 / max(rows - 2, 1) if marked and rows >= 6 else 0.0
    return low - room, high + room


def _candle(canvas: _Canvas, column: int, bar: PriceBar, paint: Paint) -> None:
    rises = bar.close >= bar.open
    top, bottom = canvas.half(bar.high), canvas.half(bar.low)
    body = sorted((canvas.half(bar.open), canvas.half(bar.close)))
    glyphs = _RISING if rises else _FALLING
    style = paint.good if rises else paint.bad

    def holds(half: int) -> int:
        return BODY if body[0] <= half <= body[1] else WICK if top <= half <= bottom else NOTHING

    for row in range(top // 2, bottom // 2 + 1):
        canvas.put(row, column, glyphs[holds(2 * row), holds(2 * row + 1)], style)


def _mark(canvas: _Canvas, chart: Chart, first: int, spacing: int, paint: Paint) -> None:
    """Mark fills beside their bars, and with ■ below them those without entries."""
    for place, bar in enumerate(chart.bars):
        if not bar.traded:
            at = canvas.rows - 1, first + place * spacing
            canvas.put(*at, "■", paint.bad, over=False)
    closes = [bar.close_ns for bar in chart.bars]
    begins_ns = 2 * closes[0] - closes[1] if len(closes) > 1 else 0
    for fill in chart.fills:
        place = bisect_right(closes, fill.at_ns)
        if fill.at_ns < begins_ns or place == len(closes):
            continue
        bar = chart.bars[place]
        row = canvas.half(bar.low) // 2 + 1 if fill.buys else canvas.half(bar.high) // 2 - 1
        row = min(max(row, 0), canvas.rows - 1)
        canvas.put(row, first + place * spacing, fill.glyph, f"bold {paint.accent}")


def _draw_cone(canvas: _Canvas, chart: Chart, left: int, paint: Paint) -> None:
    """The middle half of what is expected over the 90 % around it, and the mean."""
    if not chart.ahead:
        return
    close, before = chart.bars[-1].close, (0.0, 0.0)
    for row in range(canvas.rows):
        canvas.put(row, left, "┊", paint.muted)
    for number, bar in enumerate(chart.ahead):
        for step in range(1, CONE_COLUMNS + 1):
            share = step / CONE_COLUMNS
            mean = before[0] + share * (bar.mean - before[0])
            deviation = before[1] + share * (bar.deviation - before[1])
            column = left + number * CONE_COLUMNS + step
            bands = ((MOST_DEVIATIONS, "░", paint.muted), (HALF_DEVIATIONS, "▒", paint.curve))
            for reach, glyph, style in bands:
                ends = [close + chart.pip * (mean + side * reach * deviation) for side in (1, -1)]
                for row in range(canvas.half(ends[0]) // 2, canvas.half(ends[1]) // 2 + 1):
                    canvas.put(row, column, glyph, style)
            row = canvas.half(close + chart.pip * mean) // 2
            canvas.put(row, column, "━", f"bold {paint.curve}")
        before = bar.mean, bar.deviation


def _with_axes(
    canvas: _Canvas,
    chart: Chart,
    first: int,
    cone_left: int,
    price_text: Callable[[float], str],
    time_text: Callable[[int], str],
) -> Text:
    close = chart.bars[-1].close
    labels = {0: (canvas.high, "dim"), canvas.rows - 1: (canvas.low, "dim")}
    labels[canvas.half(close) // 2] = close, "bold"
    text = Text(no_wrap=True)
    for row in range(canvas.rows):
        price, style = labels.get(row, (None, ""))
        text.append(("" if price is None else price_text(price))[:LABEL].rjust(LABEL), style)
        text.append("┤" if price is not None else "│", "dim")
        for column in range(canvas.columns):
            text.append(*canvas.cells.get((row, column), (" ", "")))
        text.append("\n")
    return text.append_text(_time_axis(canvas, chart, first, cone_left, time_text))


def _time_axis(
    canvas: _Canvas,
    chart: Chart,
    first: int,
    cone_left: int,
    time_text: Callable[[int], str],
) -> Text:
    """Times of the first and the last bar, and bars ahead."""
    words = [" "] * canvas.columns

    def write(at: int, text: str) -> None:
        for place, glyph in enumerate(text, at):
            if 0 <= place < canvas.columns:
                words[place] = glyph

    last = time_text(chart.bars[-1].close_ns)
    ends = cone_left - len(last)
    begins = time_text(chart.bars[0].close_ns)
    if first + len(begins) < ends:
        write(first, begins)
    write(ends, last)
    for number in range(1, len(chart.ahead) + 1):
        label = f"+{number}"
        write(cone_left + number * CONE_COLUMNS - len(label) + 1, label)
    return Text(" " * LABEL + "└" + "".join(words), "dim")
