"""Draws a chart of candles in pixels, in the same places as `candle_text` in characters.

Rising candles are hollow and falling ones filled; triangles of fills are filled where they enter.
"""

from collections.abc import Callable

from PIL import Image, ImageDraw

from mlx_muzero.market.observation.outcome_cone import HALF_DEVIATIONS, MOST_DEVIATIONS
from muzero_tui.candles import CONE_COLUMNS, Chart, Fill, Frame, places_of_fills
from muzero_tui.colors import Colors, Rgb

_BODY = 0.6
"""Share of a bar's columns that its body takes."""

_BANDS = ((MOST_DEVIATIONS, 0.2), (HALF_DEVIATIONS, 0.45))
"""Deviations of each band of the cone, and how much of the curve's color it has."""

_Point = tuple[float, float]


def draw_pixels(chart: Chart, frame: Frame, cell: tuple[int, int], colors: Colors) -> Image.Image:
    """`chart` in its frame, without prices and times.

    Args:
        chart: what to draw.
        frame: where.
        cell: width and height of a character, in pixels.
        colors: of the theme.

    Returns:
        A picture of as many cells as the frame has, with a palette of its few colors: Sixel has
        one, and reducing others to it would change them.
    """
    size = frame.columns * cell[0], frame.rows * cell[1]
    picture = Image.new("P", size, colors.background)
    _Drawing(chart, frame, cell, colors, ImageDraw.Draw(picture)).draw()
    return picture


class _Drawing:
    """One chart on its way into a picture."""

    def __init__(
        self,
        chart: Chart,
        frame: Frame,
        cell: tuple[int, int],
        colors: Colors,
        pen: ImageDraw.ImageDraw,
    ) -> None:
        self.chart, self.frame, self.colors, self.pen = chart, frame, colors, pen
        self.cell_width, self.cell_height = cell
        self.width, self.height = frame.columns * cell[0], frame.rows * cell[1]
        self.thin = max(round(self.cell_width / 8), 1)

    def draw(self) -> None:
        """From back to front."""
        self._cone()
        if self.chart.entry is not None and self.frame.low <= self.chart.entry <= self.frame.high:
            y = self._y(self.chart.entry)
            self._dashes(lambda at: (at, y), self.width, self.colors.accent)
        for place in range(len(self.chart.bars)):
            self._candle(place)
        for place, fill in places_of_fills(self.chart):
            self._triangle(place, fill)

    def _y(self, price: float) -> float:
        return self.frame.depth(price) * (self.height - 1)

    def _x(self, column: float) -> float:
        """The middle of a column."""
        return (column + 0.5) * self.cell_width

    def _middle(self, place: int) -> float:
        """The middle of a bar."""
        return self._x(self.frame.column(place) + (self.frame.spacing - 1) / 2)

    def _candle(self, place: int) -> None:
        bar, x = self.chart.bars[place], self._middle(place)
        rises = bar.close >= bar.open
        color = self.colors.good if rises else self.colors.bad
        self.pen.line([(x, self._y(bar.high)), (x, self._y(bar.low))], color, self.thin)
        reach = max(self.frame.spacing * self.cell_width * _BODY / 2, 1.0)
        top, bottom = sorted((self._y(bar.open), self._y(bar.close)))
        body = [(x - reach, top), (x + reach, max(bottom, top + self.thin))]
        ground = self.colors.background if rises else color
        self.pen.rectangle(body, ground, color, width=self.thin)
        if not bar.traded:
            half, end = self.cell_width / 4, self.height - 1
            self.pen.rectangle([(x - half, end - 2 * half), (x + half, end)], self.colors.bad)

    def _triangle(self, place: int, fill: Fill) -> None:
        """Below its bar with the point up for a buy, above it with the point down for a sell."""
        bar, x = self.chart.bars[place], self._middle(place)
        size = min(self.cell_width * 1.2, self.cell_height * 0.7)
        gap, end = self.cell_height * 0.2, self.height - 1
        if fill.buys:
            point = min(self._y(bar.low) + gap, end - size)
            base = point + size
        else:
            point = max(self._y(bar.high) - gap, size)
            base = point - size
        corners: list[_Point] = [(x, point), (x - size / 2, base), (x + size / 2, base)]
        ground = self.colors.accent if fill.enters else self.colors.background
        self.pen.polygon(corners, ground, self.colors.accent, width=self.thin)

    def _cone(self) -> None:
        """What is expected around the mean, from the last close on."""
        chart = self.chart
        if not chart.ahead:
            return
        close = chart.bars[-1].close
        left = self._x(self.frame.cone_left)
        step = CONE_COLUMNS * self.cell_width

        def edge(deviations: float) -> list[_Point]:
            moves = [0.0, *(bar.mean + deviations * bar.deviation for bar in chart.ahead)]
            return [
                (left + place * step, self._y(close + chart.pip * move))
                for place, move in enumerate(moves)
            ]

        for reach, share in _BANDS:
            color = self.colors.mixed(self.colors.curve, share)
            self.pen.polygon([*edge(reach), *reversed(edge(-reach))], color)
        self.pen.line(edge(0.0), self.colors.curve, 2 * self.thin)
        self._dashes(lambda at: (left, at), self.height, self.colors.muted)

    def _dashes(self, at: Callable[[float], _Point], length: float, color: Rgb) -> None:
        """A dashed line along the points that `at` gives."""
        dash = max(self.cell_width / 2, 2.0)
        for number in range(round(length / (2 * dash)) + 1):
            start = number * 2 * dash
            self.pen.line([at(start), at(start + dash)], color, self.thin)
