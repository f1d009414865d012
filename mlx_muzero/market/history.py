"""Loads one pair from the store: its minute bars and the series a configuration needs."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mlx_muzero.config.schema import MarketConfig
from mlx_muzero.errors import DataError
from mlx_muzero.market.bars import Bars, utc_ns, utc_text
from mlx_muzero.market.instrument import Market
from mlx_muzero.market.metrics_labels import misread_note
from mlx_muzero.market.quotes import QUOTE_COLUMNS, require_quotes
from mlx_muzero.market.series import (
    FUNDING_ANNOUNCED,
    FUNDING_RATE,
    MACRO,
    OF_BARS,
    OPEN_INTEREST,
    TAKER_BUY_SHARE,
    Series,
    SeriesByName,
)
from mlx_muzero.timeunits import MINUTE_NS

if TYPE_CHECKING:
    # A history in memory needs no store.
    from mlx_muzero.market.store.bar_store import BarStore

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class PairHistory:
    """The bars of one pair, and its series.

    Attributes:
        bars: minute bars.
        series: series by name; a missing or empty one is unknown throughout.
        market: the market whose hours it keeps, or None if unknown.
    """

    bars: Bars
    series: SeriesByName
    market: Market | None = None


@dataclass(frozen=True)
class Period:
    """The part of a pair's history that a run uses, even if its store has grown since.

    Attributes:
        first_ns: earliest bar open.
        end_ns: bars open before it.
        series_from_ns: by series, its earliest point at the time; a series not named here had
            none. None uses all points.
    """

    first_ns: int
    end_ns: int
    series_from_ns: Mapping[str, int] | None = None

    @classmethod
    def of_config(cls, config: MarketConfig) -> "Period":
        """From `market.first_utc` to `market.end_utc`."""
        ends = np.iinfo(np.int64)
        return cls(
            utc_ns(config.first_utc) if config.first_utc else ends.min,
            utc_ns(config.end_utc) if config.end_utc else ends.max,
        )

    @classmethod
    def wanted(cls, config: MarketConfig, period: "Period | None") -> "Period":
        """That of `config`, or the part of `period` within it."""
        whole = cls.of_config(config)
        return whole if period is None else period.within(whole)

    def within(self, other: "Period") -> "Period":
        """The intersection with `other`; series limits are those of this period."""
        first_ns = max(self.first_ns, other.first_ns)
        return Period(first_ns, min(self.end_ns, other.end_ns), self.series_from_ns)

    def first_point_ns(self, series: str) -> int:
        """The earliest event of `series` that belongs to this period."""
        ends = np.iinfo(np.int64)
        if self.series_from_ns is None:
            return ends.min
        return self.series_from_ns.get(series, ends.max)

    def of_series(self, series: Series) -> Series:
        """The points of `series` that belong to this period."""
        if self.series_from_ns is None:
            return series
        kept = series.event_ns >= self.first_point_ns(series.name)
        columns = (series.event_ns[kept], series.known_ns[kept], series.value[kept])
        return Series(series.symbol, series.name, *columns)


def load_history(
    store: "BarStore",
    symbol: str,
    config: MarketConfig,
    period: Period | None = None,
    *,
    quoted: bool = False,
) -> PairHistory:
    """Load the bars of `symbol` within `config`'s span and `period`, and their series.

    The taker's share of a minute and its trades come from files of trades, or from klines where
    those have them. If `quoted`, the bars come with the quotes that costs are paid by; where only
    features show the spread, they come with those they have.

    Raises:
        DataError: there are no bars, none in that span, or the bars lack the volume that crypto
            features need, or the quotes.
    """
    carried = config.context if config.features == "crypto" else ()
    wants_quotes = quoted or observes_spread(config)
    extras = tuple(OF_BARS[name] for name in carried if name in OF_BARS)
    extras += QUOTE_COLUMNS * wants_quotes
    held = store.load(symbol, extras=extras)
    wanted = Period.wanted(config, period)
    bars = held.between(wanted.first_ns, wanted.end_ns)
    if not len(bars):
        first, last = (utc_text(int(held.open_time_ns[end])) for end in (0, -1))
        span = (
            f'between market.first_utc = "{config.first_utc}" and market.end_utc = '
            f'"{config.end_utc}"'
        )
        if period is not None:
            # Where the pair's own period ends before the wanted one begins, they share none.
            span = (
                f"between {utc_text(wanted.first_ns)} and {utc_text(wanted.end_ns)} UTC"
                if wanted.first_ns < wanted.end_ns
                else "in that time"
            )
        raise DataError(
            f"{store.path}: no bars of {symbol} {span}; it has those from {first} to {last} UTC"
        )
    if quoted:
        require_quotes(bars, str(store.path))
    traded = store.find_instrument(symbol)
    market = None if traded is None else traded.market
    if config.features != "crypto":
        return PairHistory(bars, {}, market)
    unknown = np.flatnonzero(np.isnan(bars.volume))
    if len(unknown):
        raise DataError(
            f"{store.path}: {len(unknown):,} bars of {symbol} have no volume (first at "
            f"{utc_text(int(bars.open_time_ns[unknown[0]]))} UTC), which crypto features need: "
            "import a file that has it, or choose other market.symbols"
        )
    stored = (store.load_series(of, name) for of, name in series_of(symbol, config))
    series = {points.name: wanted.of_series(points) for points in stored}
    warn_of_misread(store, symbol, config)
    series |= {
        name: _with_klines(series[name], bars, column)
        for name, column in OF_BARS.items()
        if name in series
    }
    return PairHistory(bars, series, market)


def observes_spread(config: MarketConfig) -> bool:
    """Whether observations show the quoted spread."""
    return config.features == "fx_context"


def series_of(symbol: str, config: MarketConfig) -> tuple[tuple[str, str], ...]:
    """The series, by symbol and name, that rows of `symbol` follow from besides its bars."""
    if config.features != "crypto":
        return ()
    # Settlements are paid whether they are observed or not, and planned with as announced.
    own = dict.fromkeys((FUNDING_RATE, FUNDING_ANNOUNCED, *config.context))
    return (*((symbol, name) for name in own), *((MACRO, name) for name in config.macro_names))


def warn_of_misread(store: "BarStore", symbol: str, config: MarketConfig) -> None:
    """Warn if `config` observes open interest of `symbol` that was imported wrongly."""
    if config.features == "crypto" and OPEN_INTEREST in config.context:
        own = (record for record in store.imports() if record.symbol == symbol)
        note = misread_note(own, store.path)
        if note:
            _LOG.warning("%s: %s", store.path, note)


def _with_klines(trades: Series, bars: Bars, column: str) -> Series:
    """Points from `trades`, with a `column` of klines for the minutes that those lack."""
    values = bars.extras.get(column)
    if values is None:
        return trades
    if trades.name == TAKER_BUY_SHARE:
        values = values / np.where(bars.volume > 0.0, bars.volume, np.nan)
    known = values >= 0.0
    opens = bars.open_time_ns[known]
    return Series.of(
        bars.symbol,
        trades.name,
        np.concatenate([trades.event_ns, opens]),
        np.concatenate([trades.known_ns, opens + MINUTE_NS]),
        np.concatenate([trades.value, values[known]]),
    )
