"""Draws the curves of runs: the numbers on both axes are written as the curve's name asks."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from rich.text import Text

from mlx_muzero.watch.run_curves import (
    DRAWDOWN,
    EQUITY,
    EXPECTANCY,
    NET,
    OVERFLOW,
    WIN_RATE,
)
from muzero_tui.formats import number, percent, signed
from muzero_tui.plotting import Line, View, plot


def draw_curves(
    name: str,
    lines: Sequence[Line],
    width: int,
    height: int,
    view: View,
    *,
    levels: Mapping[str, float] | None = None,
    star: tuple[float, float, str] | None = None,
) -> Text:
    """Curves that are all called `name`, one of each run; the rest as for `plot`."""
    x_text = _moment if name in (EQUITY, DRAWDOWN) else _whole
    return plot(lines, width, height, x_text, value_text(name), view, levels=levels, star=star)


def value_text(name: str) -> Callable[[float], str]:
    """How values of the curve `name` are written."""
    return _VALUES.get(name, number)


def _whole(value: float) -> str:
    return f"{value:,.0f}"


def _tenths(value: float) -> str:
    return percent(value, 1)


def _hundredths(value: float) -> str:
    return percent(value, 2)


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%m-%d %H:%M")


_VALUES: dict[str, Callable[[float], str]] = {
    EXPECTANCY: signed,
    NET: signed,
    WIN_RATE: _tenths,
    OVERFLOW: _hundredths,
    EQUITY: _whole,
    DRAWDOWN: _tenths,
}
"""Of losses and gradients, four digits count."""
