"""A chart of candles, fills and the cone ahead, and where each of them lies in its place.

`candle_text` draws it in characters, `candle_pixels` in pixels.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlx_muzero.market.observation.outcome_cone import MOST_DEVIATIONS, ConeBar
from mlx_muzero.watch.price_bars import PriceBar

LABEL = 10
"""Columns for the prices on the left."""

CONE_COLUMNS = 4
"""Of a bar ahead: there are few, and they are to be seen."""


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


@dataclass(frozen=True)
class Frame:
    """Where a chart lies, in cells right of the prices and above the times.

    Attributes:
        columns: of the chart.
        rows: of the chart.
        low: price at the bottom.
        high: price at the top.
        spacing: columns of a bar.
        first: column of the first bar.
        cone_left: column before the cone.
    """

    columns: int
    rows: int
    low: float
    high: float
    spacing: int
    first: int
    cone_left: int

    def depth(self, price: float) -> float:
        """How far below the top a price is: 0 there, 1 at the bottom."""
        # Halved first: the difference of two numbers may be no number.
        span = self.high / 2 - self.low / 2
        share = (self.high / 2 - price / 2) / span if span > 0 else 0.5
        return min(max(share, 0.0), 1.0)

    def column(self, place: int) -> int:
        """The column of the bar in that place."""
        return self.first + place * self.spacing


def frame_of(chart: Chart, width: int, height: int, spacing: int) -> Frame | None:
    """The frame of `chart` in `width` x `height` characters; None where there is no room for it.

    All its bars have to fit (`shown_bars`).
    """
    columns, rows = width - LABEL - 1, height - 1
    if columns < 4 or rows < 2 or not chart.bars:
        return None
    cone_left = columns - _cone_width(len(chart.ahead))
    first = max(cone_left - len(chart.bars) * spacing, 0)
    low, high = _range(chart, rows)
    return Frame(columns, rows, low, high, spacing, first, cone_left)


def places_of_fills(chart: Chart) -> Iterator[tuple[int, Fill]]:
    """The fills within the bars shown, each with the place of its bar."""
    closes = [bar.close_ns for bar in chart.bars]
    begins_ns = 2 * closes[0] - closes[1] if len(closes) > 1 else 0
    for fill in chart.fills:
        place = bisect_right(closes, fill.at_ns)
        if fill.at_ns >= begins_ns and place < len(closes):
            yield place, fill


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
