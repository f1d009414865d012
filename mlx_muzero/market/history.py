"""What the store knows of one pair: its minute bars, and the series that a configuration needs."""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mlx_muzero.config import MarketConfig
from mlx_muzero.errors import DataError
from mlx_muzero.market.bars import MINUTE_NS, Bars, utc_ns, utc_text
from mlx_muzero.market.metrics_labels import misread_note
from mlx_muzero.market.series import (
    FUNDING_RATE,
    MACRO,
    OPEN_INTEREST,
    TAKER_BUY_SHARE,
    Series,
    SeriesByName,
)

if TYPE_CHECKING:
    # Who has a history in memory needs no store.
    from mlx_muzero.market.store import BarStore

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class PairHistory:
    """Bars of one pair and the series beside them.

    Attributes:
        bars: minute bars.
        series: by name; one that is missing or empty is unknown throughout.
    """

    bars: Bars
    series: SeriesByName


def load_history(store: "BarStore", symbol: str, config: MarketConfig) -> PairHistory:
    """Bars of `symbol` in the span of `config` and what it has seen beside them.

    The taker's share of a minute comes from trades, or from the klines where those have it.

    Raises:
        DataError: there are no bars, none in that span, or crypto features are wanted of bars
            without a volume.
    """
    wants_takers = config.features == "crypto" and TAKER_BUY_SHARE in config.context
    held = store.load(symbol, extras=("taker_buy_volume",) if wants_takers else ())
    bars = _in_span(held, config)
    if not len(bars):
        first, last = (utc_text(int(held.open_time_ns[end])) for end in (0, -1))
        span = f'market.first_utc = "{config.first_utc}" and market.end_utc = "{config.end_utc}"'
        raise DataError(
            f"{store.path}: no bars of {symbol} between {span}; it has those from {first} to "
            f"{last} UTC"
        )
    if config.features == "micro":
        return PairHistory(bars, {})
    unknown = np.flatnonzero(np.isnan(bars.volume))
    if len(unknown):
        raise DataError(
            f"{store.path}: {len(unknown):,} bars of {symbol} have no volume (first at "
            f"{utc_text(int(bars.open_time_ns[unknown[0]]))} UTC), which crypto features need: "
            "import a file that has it, or choose other market.symbols"
        )
    # Settlements are paid, whether they are seen or not.
    series = {name: store.load_series(symbol, name) for name in {FUNDING_RATE, *config.context}}
    series |= {name: store.load_series(MACRO, name) for name in config.macro}
    if OPEN_INTEREST in series:
        note = misread_note(r for r in store.imports() if r.symbol == bars.symbol)
        if note:
            _LOG.warning("%s: %s", store.path, note)
    if TAKER_BUY_SHARE in series:
        series[TAKER_BUY_SHARE] = _with_klines(series[TAKER_BUY_SHARE], bars)
    return PairHistory(bars, series)


def _in_span(bars: Bars, config: MarketConfig) -> Bars:
    ends = np.iinfo(np.int64)
    first_ns = utc_ns(config.first_utc) if config.first_utc else ends.min
    end_ns = utc_ns(config.end_utc) if config.end_utc else ends.max
    return bars.between(first_ns, end_ns)


def _with_klines(trades: Series, bars: Bars) -> Series:
    """Shares from `trades`, and from klines in the minutes that those leave out."""
    bought = bars.extras.get("taker_buy_volume")
    if bought is None:
        return trades
    known = ~np.isnan(bought) & (bars.volume > 0.0)
    opens = bars.open_time_ns[known]
    return Series.of(
        bars.symbol,
        TAKER_BUY_SHARE,
        np.concatenate([trades.event_ns, opens]),
        np.concatenate([trades.known_ns, opens + MINUTE_NS]),
        np.concatenate([trades.value, bought[known] / bars.volume[known]]),
    )
