"""Context columns: series as of the decision, each with a flag for whether it is known.

A value may be read from the moment it is known (`Series.known_ns`) until it is too old
(`series.MAX_AGE_NS`); so a settlement stamped a few milliseconds late is read one bar later, never
early. Columns are bounded; where a value is unknown, both its columns are 0.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np

from mlx_muzero.config.schema import MarketConfig
from mlx_muzero.errors import SymbolError
from mlx_muzero.market.observation.crypto_features import TRAILING_BARS, against, trailing_mean
from mlx_muzero.market.observation.fx_features import CALENDAR_NAMES, calendar_features
from mlx_muzero.market.series import (
    BOOK_IMBALANCE,
    FUNDING_RATE,
    MACRO_MAX_AGE_NS,
    MAX_AGE_NS,
    OPEN_INTEREST,
    TAKER_BUY_SHARE,
    TRADE_COUNT,
    Series,
    SeriesByName,
    max_age_ns,
)
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.timeunits import HOUR_NS, MINUTE_NS
from mlx_muzero.types import F32, F64, I64

FUNDING_SCALE = 5e-4
"""Funding rate at which its column reaches three quarters of its range: 5 bps."""
OPEN_INTEREST_SCALE = 0.02
"""Hourly log change of open interest at which its column reaches three quarters."""
OPEN_INTEREST_BACK_NS = HOUR_NS
MACRO_RELEASES = 12
"""Number of releases whose range scales the newest one: a year of monthly figures."""

_PAIR = "pair_"
_MACRO = "macro_"


class ContextColumn(NamedTuple):
    """A column of values; a second column, ``{name}_known``, is 1 where they are known.

    Attributes:
        name: the column's name.
        series: name of the series it is computed from.
        values: computes ``f64[T]`` values at times ``i64[T]``, NaN where unknown.
    """

    name: str
    series: str
    values: Callable[[Series, I64], F64]


def _book_imbalance(series: Series, time_ns: I64) -> F64:
    return series.as_of(time_ns, MAX_AGE_NS[BOOK_IMBALANCE])


def _taker_imbalance(series: Series, time_ns: I64) -> F64:
    return 2.0 * series.as_of(time_ns, MAX_AGE_NS[TAKER_BUY_SHARE]) - 1.0


def _funding_rate(series: Series, time_ns: I64) -> F64:
    return np.tanh(series.as_of(time_ns, MAX_AGE_NS[FUNDING_RATE]) / FUNDING_SCALE)


def _open_interest_change(series: Series, time_ns: I64) -> F64:
    """Log change over the last hour; both values must be known and positive."""
    max_age = MAX_AGE_NS[OPEN_INTEREST]
    now = series.as_of(time_ns, max_age)
    before = series.as_of(time_ns - OPEN_INTEREST_BACK_NS, max_age)
    with np.errstate(divide="ignore", invalid="ignore"):
        change = np.where((now > 0.0) & (before > 0.0), np.log(now / before), np.nan)
    return np.tanh(change / OPEN_INTEREST_SCALE)


def _trade_count(series: Series, time_ns: I64) -> F64:
    """Trades of the last minute against their mean over as many minutes as a volume's."""
    values = against(series.value, trailing_mean(series.value, TRAILING_BARS))
    return _with_values(series, values, TRAILING_BARS - 1).as_of(time_ns, MAX_AGE_NS[TRADE_COUNT])


def reach_ns(name: str) -> int:
    """How long a point of the series `name`, of a pair, still counts after it becomes known."""
    return max_age_ns(name) + (OPEN_INTEREST_BACK_NS if name == OPEN_INTEREST else 0)


def points_before(name: str) -> int:
    """How many points of the series `name`, of a pair, a value depends on besides its own."""
    return TRAILING_BARS - 1 if name == TRADE_COUNT else 0


def _macro_position(series: Series, time_ns: I64) -> F64:
    """Position of the newest release between the lowest and highest of the last ones, in [0, 1]."""
    first = np.maximum(np.arange(len(series)) - MACRO_RELEASES + 1, 0)
    recent = [series.value[a : b + 1] for b, a in enumerate(first)]
    low = np.array([values.min() for values in recent])
    width = np.array([values.max() for values in recent]) - low
    with np.errstate(invalid="ignore"):
        position = np.where(width == 0.0, 0.5, (series.value - low) / width)
    return _with_values(series, position).as_of(time_ns, MACRO_MAX_AGE_NS)


def _with_values(series: Series, values: F64, first: int = 0) -> Series:
    """The points from index `first` on, with other values (``f64[n]``)."""
    kept = series.slice(first, len(series))
    return replace(kept, value=values[first:])


_COLUMNS = {
    BOOK_IMBALANCE: ContextColumn("book_imbalance", BOOK_IMBALANCE, _book_imbalance),
    TAKER_BUY_SHARE: ContextColumn("taker_imbalance", TAKER_BUY_SHARE, _taker_imbalance),
    FUNDING_RATE: ContextColumn("funding_rate", FUNDING_RATE, _funding_rate),
    OPEN_INTEREST: ContextColumn("open_interest_change", OPEN_INTEREST, _open_interest_change),
    TRADE_COUNT: ContextColumn("trade_count", TRADE_COUNT, _trade_count),
}


def context_columns(config: MarketConfig) -> tuple[ContextColumn, ...]:
    """The configured columns, in order."""
    macro = (ContextColumn(f"{_MACRO}{name}", name, _macro_position) for name in config.macro_names)
    return (*(_COLUMNS[name] for name in config.context), *macro)


def context_names(config: MarketConfig) -> tuple[str, ...]:
    """Names of `context`'s columns: values and their flags, the calendar, the pairs."""
    values = (name for c in context_columns(config) for name in (c.name, f"{c.name}_known"))
    return (*values, *CALENDAR_NAMES, *(f"{_PAIR}{symbol}" for symbol in config.pairs))


def asked_for_by(column: str) -> tuple[Literal["context", "macro"], str]:
    """The key of `[market]`, and what it lists, for a column of `context_columns`."""
    for name, known in _COLUMNS.items():
        if known.name == column:
            return "context", name
    return "macro", column.removeprefix(_MACRO)


def as_spelled_now(column: str) -> str:
    """Today's name of a column written when symbols had more than one spelling."""
    symbol = column.removeprefix(_PAIR)
    if symbol == column:
        return column
    try:
        return f"{_PAIR}{Symbol(symbol)}"
    except SymbolError:
        return column


def context(open_time_ns: I64, series: SeriesByName, symbol: str, config: MarketConfig) -> F32:
    """Context of the minute bars of `symbol` as known at each close, ``f32[T, G]``.

    Args:
        open_time_ns: ``i64[T]`` opens of the bars.
        series: series of the symbol and macro series; a missing one is unknown throughout.
        symbol: one of the configured pairs.
        config: the configured columns.
    """
    names = context_names(config)
    close_time_ns = open_time_ns + MINUTE_NS
    table = np.zeros((len(open_time_ns), len(names)), np.float32)
    for index, column in enumerate(context_columns(config)):
        if column.series in series:
            values = column.values(series[column.series], close_time_ns)
            known = ~np.isnan(values)
            table[:, 2 * index] = np.where(known, values, 0.0)
            table[:, 2 * index + 1] = known
    for name, values in zip(CALENDAR_NAMES, calendar_features(open_time_ns), strict=True):
        table[:, names.index(name)] = values
    table[:, names.index(f"{_PAIR}{Symbol(symbol)}")] = 1.0
    return table
