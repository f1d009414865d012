"""Draws a chart of candles in characters: half a line is the smallest step of a price."""

from collections.abc import Callable
from dataclasses import dataclass, field

from rich.text import Text

from mlx_muzero.market.observation.outcome_cone import HALF_DEVIATIONS, MOST_DEVIATIONS
from mlx_muzero.watch.price_bars import PriceBar
from muzero_tui.candles import CONE_COLUMNS, LABEL, Chart, Frame, places_of_fills
from muzero_tui.paint import Paint

NOTHING, WICK, BODY = 0, 1, 2
_RISING = {(0, 0): " ", (1, 1): "│", (2, 2): "┃", (0, 1): "╷", (1, 0): "╵", (0, 2): "╻",
           (2, 0): "╹", (1, 2): "╽", (2, 1): "╿"}  # fmt: skip
_FALLING = _RISING | {(2, 2): "█", (0, 2): "▄", (2, 0): "▀", (1, 2): "▄", (2, 1): "▀"}
"""Characters by what their upper and their lower half holds; falling bodies are broad."""


@dataclass
class _Canvas:
    """Cells of a character and its style."""

    frame: Frame
    cells: dict[tuple[int, int], tuple[str, str]] = field(default_factory=dict)

    def half(self, price: float) -> int:
        """The half line of a price, 0 at the top."""
        return round(self.frame.depth(price) * (2 * self.frame.rows - 1))

    def put(self, row: int, column: int, glyph: str, style: str, *, over: bool = True) -> None:
        """Set a cell; with `over` false only an empty one."""
        inside = 0 <= row < self.frame.rows and 0 <= column < self.frame.columns
        if inside and (over or (row, column) not in self.cells):
            self.cells[row, column] = glyph, style


def draw_chart(
    chart: Chart,
    frame: Frame,
    paint: Paint,
    price_text: Callable[[float], str],
    time_text: Callable[[int], str],
) -> Text:
    """`chart` in its frame, with prices on the left and times below."""
    canvas = _Canvas(frame)
    for place, bar in enumerate(chart.bars):
        _candle(canvas, frame.column(place), bar, paint)
    _mark(canvas, chart, paint)
    _draw_cone(canvas, chart, paint)
    if chart.entry is not None and frame.low <= chart.entry <= frame.high:
        for column in range(frame.columns):
            canvas.put(canvas.half(chart.entry) // 2, column, "┈", paint.accent, over=False)
    return _with_axes(canvas, chart, price_text, time_text)


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


def _mark(canvas: _Canvas, chart: Chart, paint: Paint) -> None:
    """Mark fills beside their bars, and with ■ below them those without entries."""
    frame = canvas.frame
    for place, bar in enumerate(chart.bars):
        if not bar.traded:
            canvas.put(frame.rows - 1, frame.column(place), "■", paint.bad, over=False)
    for place, fill in places_of_fills(chart):
        bar = chart.bars[place]
        row = canvas.half(bar.low) // 2 + 1 if fill.buys else canvas.half(bar.high) // 2 - 1
        row = min(max(row, 0), frame.rows - 1)
        canvas.put(row, frame.column(place), fill.glyph, f"bold {paint.accent}")


def _draw_cone(canvas: _Canvas, chart: Chart, paint: Paint) -> None:
    """The middle half of what is expected over the 90 % around it, and the mean."""
    if not chart.ahead:
        return
    close, before, left = chart.bars[-1].close, (0.0, 0.0), canvas.frame.cone_left
    for row in range(canvas.frame.rows):
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
    price_text: Callable[[float], str],
    time_text: Callable[[int], str],
) -> Text:
    frame, close = canvas.frame, chart.bars[-1].close
    labels = {0: (frame.high, "dim"), frame.rows - 1: (frame.low, "dim")}
    labels[canvas.half(close) // 2] = close, "bold"
    text = Text(no_wrap=True)
    for row in range(frame.rows):
        price, style = labels.get(row, (None, ""))
        text.append(("" if price is None else price_text(price))[:LABEL].rjust(LABEL), style)
        text.append("┤" if price is not None else "│", "dim")
        for column in range(frame.columns):
            text.append(*canvas.cells.get((row, column), (" ", "")))
        text.append("\n")
    return text.append_text(_time_axis(frame, chart, time_text))


def _time_axis(frame: Frame, chart: Chart, time_text: Callable[[int], str]) -> Text:
    """Times of the first and the last bar, and bars ahead."""
    words = [" "] * frame.columns

    def write(at: int, text: str) -> None:
        for place, glyph in enumerate(text, at):
            if 0 <= place < frame.columns:
                words[place] = glyph

    last = time_text(chart.bars[-1].close_ns)
    ends = frame.cone_left - len(last)
    begins = time_text(chart.bars[0].close_ns)
    if frame.first + len(begins) < ends:
        write(frame.first, begins)
    write(ends, last)
    for number in range(1, len(chart.ahead) + 1):
        label = f"+{number}"
        write(frame.cone_left + number * CONE_COLUMNS - len(label) + 1, label)
    return Text(" " * LABEL + "└" + "".join(words), "dim")
