"""What surrounds a currency pair's bar: volatility, long moves, local clocks, events, the spread.

The columns of `market.features = "fx_context"` next to the nine of `fx_features`. They are the same
in every row of a window, as known at the close of its last bar. What follows from prices follows
from the last `HISTORY_BARS` bars, and bit for bit (`rolling`); the rest from the time and the
spread of the bar itself.

Bars are counted, not minutes, so a weekend is one step. The jump over a hole moves the changes and
ranges, since it moved the price, but counts in no volatility: after a weekend, it would for days.
"""

import numpy as np

from mlx_muzero.config.schema import MarketConfig
from mlx_muzero.market.clocks import ZoneClock
from mlx_muzero.market.japanese_calendar import business_days, gotobi_days
from mlx_muzero.market.observation.daily_events import nearness
from mlx_muzero.market.observation.rolling import rolling_deviations, rolling_extremes
from mlx_muzero.timeunits import DAY_NS, MINUTE_NS
from mlx_muzero.types import F32, F64, I64

VOLATILITY_BARS = (30, 120, 480, 1440, 7200)
"""Bars of each volatility: half an hour to a trading week."""
CHANGE_BARS = (1, 5, 15, 60, 240, 1440)
"""Bars of each change."""
RANGE_BARS = (120, 480, 1440, 7200)
"""Bars of each window whose width, and the close's place in it, are told."""

HISTORY_BARS = 1 + max(*VOLATILITY_BARS, *CHANGE_BARS, *RANGE_BARS)
"""Closes that determine one row."""

HOLE_NS = 10 * MINUTE_NS
"""A longer step from one bar to the next is a hole."""

REOPENED_BARS = 120.0
"""Bars after a hole in which its nearness falls to 37 %."""

LEAST_PIPS = 0.01
"""Volatility and width that a market has at least, so that a flat one has logarithms."""

LARGEST_CHANGE = 10.0
"""Deviations beyond which changes no longer differ."""

CLOCKS = {"tokyo": "Asia/Tokyo", "london": "Europe/London", "new_york": "America/New_York"}

_USUAL_BARS = 1440
"""Bars of the volatility that changes are measured in."""

PRICE_COLUMNS = (
    *(f"log_volatility_pips_{bars}" for bars in VOLATILITY_BARS),
    *(f"change_{bars}" for bars in CHANGE_BARS),
    *(f"position_in_range_{bars}_bars" for bars in RANGE_BARS),
    *(f"log_range_pips_{bars}" for bars in RANGE_BARS),
    "reopened",
)
_CLOCK_COLUMNS = tuple(f"{place}_{part}" for place in CLOCKS for part in ("cos", "sin"))
_DATE_COLUMNS = (
    *("weekday_cos", "weekday_sin", "month_cos", "month_sin"),
    *("gotobi", "japan_open"),
)
SPREAD_COLUMNS = ("spread_pips", "spread_pips_known")


def fx_context_names(config: MarketConfig) -> tuple[str, ...]:
    """Names of the columns of `fx_context`, in order."""
    near = (f"{event.name}_{side}" for event in config.daily_events for side in ("ahead", "since"))
    return (*PRICE_COLUMNS, *_CLOCK_COLUMNS, *near, *_DATE_COLUMNS, *SPREAD_COLUMNS)


def fx_context(
    open_time_ns: I64, close: F64, spread: F64 | None, config: MarketConfig, newest: int = 0
) -> F32:
    """Context of the bars as known at each close, ``f32[T, G]``; NaN until there is a history.

    - log_volatility_pips: logarithm of the root mean square of a bar's change
    - change: over the usual change of that many bars, by the last day's volatility
    - position_in_range, log_range_pips: of the closes of a window
    - reopened: exp(-bars since the last hole / `REOPENED_BARS`)
    - tokyo, london, new_york: cosine and sine of the local time of day
    - ahead, since: `daily_events.nearness` of the configured events
    - weekday, month: cosine and sine of Tokyo's day of the week, and of the month
    - gotobi: 1 on a settlement day of Japan's firms; japan_open: 1 on a business day
    - spread_pips: ask less bid when the bar opened, and 1 where it is known

    Args:
        open_time_ns: ``i64[T]`` UTC opens.
        close: ``f64[T]`` closes.
        spread: ``f64[T]`` ask less bid at each open, NaN where unknown; None if unknown throughout.
        config: pip and events.
        newest: if positive, only that many rows from the end are computed.

    Raises:
        DataError: Japan's holidays are not known at that time.
    """
    first = max(len(close) - newest, 0) if newest else 0
    known_ns = open_time_ns[first:] + MINUTE_NS
    spreads = np.full(len(known_ns), np.nan) if spread is None else spread[first:]
    columns = [
        *(column[first:] for column in _price_columns(open_time_ns, close, config.pip_size)),
        *_time_columns(known_ns, config),
        *_spread_columns(spreads, config.pip_size),
    ]
    table = np.empty((len(known_ns), len(columns)), np.float32)
    for index, column in enumerate(columns):
        table[:, index] = column
    table[: max(HISTORY_BARS - 1 - first, 0)] = np.nan
    return table


def _price_columns(open_time_ns: I64, close: F64, pip_size: float) -> list[F64]:
    """`PRICE_COLUMNS`, each ``f64[T]``."""
    changes = np.zeros(len(close))
    changes[1:] = np.diff(close) / pip_size
    hole = np.zeros(len(close), np.bool_)
    hole[1:] = np.diff(open_time_ns) > HOLE_NS
    deviations = rolling_deviations(np.where(hole, 0.0, changes), VOLATILITY_BARS)
    usual = np.maximum(deviations[VOLATILITY_BARS.index(_USUAL_BARS)], LEAST_PIPS)
    moved = [_change(close, bars) / pip_size / (usual * np.sqrt(bars)) for bars in CHANGE_BARS]
    extremes = rolling_extremes(close, RANGE_BARS)
    widths = [high - low for low, high in extremes]
    return [
        *(_log(deviation) for deviation in deviations),
        *(np.clip(change, -LARGEST_CHANGE, LARGEST_CHANGE) for change in moved),
        *(_place(close - low, width) for (low, _), width in zip(extremes, widths, strict=True)),
        *(_log(width / pip_size) for width in widths),
        np.exp(-_bars_since(hole) / REOPENED_BARS),
    ]


def _change(close: F64, bars: int) -> F64:
    change = np.full(len(close), np.nan)
    change[bars:] = close[bars:] - close[:-bars]
    return change


def _log(pips: F64) -> F64:
    return np.asarray(np.log(np.maximum(pips, LEAST_PIPS)))


def _place(above_low: F64, width: F64) -> F64:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(width == 0.0, 0.5, above_low / width)


def _bars_since(hole: np.ndarray) -> F64:
    """Bars since the last hole before each bar, at most as many as a row sees."""
    bar = np.arange(len(hole))
    last = np.maximum.accumulate(np.where(hole, bar, -HISTORY_BARS))
    return np.minimum(bar - last, HISTORY_BARS - 1).astype(np.float64)


def _time_columns(known_ns: I64, config: MarketConfig) -> list[F64]:
    """Columns of clocks, events and dates at each time ``i64[n]``."""
    local = {place: ZoneClock(zone).from_utc(known_ns) for place, zone in CLOCKS.items()}
    columns: list[F64] = []
    for wall_ns in local.values():
        columns += _circle((wall_ns % DAY_NS) / DAY_NS)
    for event in config.daily_events:
        columns += nearness(event, known_ns)
    days, of_day = np.unique(local["tokyo"] // DAY_NS, return_inverse=True)
    return columns + [column[of_day] for column in _date_columns(days)]


def _date_columns(day: I64) -> list[F64]:
    """`_DATE_COLUMNS` of Tokyo's days ``i64[n]`` since 1970."""
    date = day.astype("M8[D]")
    month = date.astype("M8[M]")
    first, after = (edge.astype("M8[D]").astype(np.int64) for edge in (month, month + 1))
    return [
        *_circle((day + 3) % 7 / 7.0),  # 1970-01-01 was a Thursday
        *_circle((day - first) / (after - first)),
        gotobi_days(day).astype(np.float64),
        business_days(day).astype(np.float64),
    ]


def _circle(share: F64) -> tuple[F64, F64]:
    """Cosine and sine of a share of a whole turn."""
    angle = 2.0 * np.pi * share
    return np.cos(angle), np.sin(angle)


def _spread_columns(spread: F64, pip_size: float) -> list[F64]:
    known = spread >= 0.0
    return [np.where(known, spread, 0.0) / pip_size, known.astype(np.float64)]
