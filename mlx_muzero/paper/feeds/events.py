"""Events a feed sends to its consumer. Times are UTC nanoseconds since 1970."""

from dataclasses import dataclass
from typing import Self, TypeAlias

from mlx_muzero.market.series import TAKER_BUY_SHARE, TRADE_COUNT, Series
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.venues.candle import Candle
from mlx_muzero.venues.connection import Channel, Disconnected, Reconnected
from mlx_muzero.venues.venue_clock import ClockJumped, ClockOffset, ClockTrusted, Slept

__all__ = [
    "BarClosed",
    "BarRejected",
    "BarRevised",
    "Channel",
    "ClockJumped",
    "ClockOffset",
    "ClockTrusted",
    "Disconnected",
    "Event",
    "GapFilled",
    "LiveBar",
    "PairLost",
    "Reconnected",
    "SeriesBack",
    "SeriesPoints",
    "SeriesStale",
    "Slept",
    "Stale",
]


@dataclass(frozen=True)
class LiveBar:
    """A closed minute bar.

    Attributes:
        pair: the venue's name of the pair.
        open_time_ns: when the minute began; the bar is known from `close_time_ns` on.
        open: first price (bid, if the venue quotes bid and ask).
        high: highest price.
        low: lowest price.
        close: last price.
        volume: traded volume or ticks, NaN where unknown.
        source_time_ns: the venue's clock when it sent the bar; None if unknown.
        arrival_time_ns: the venue's clock when the bar arrived.
        spread: ask less bid at the open; None if unknown, or if no fill pays it.
        taker_buy_share: share of the volume that takers bought; None if unknown.
        trade_count: number of trades; None if unknown.
        close_spread: ask less bid at the close; None as `spread`.
    """

    pair: str
    open_time_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    source_time_ns: int | None
    arrival_time_ns: int
    spread: float | None = None
    taker_buy_share: float | None = None
    trade_count: float | None = None
    close_spread: float | None = None

    @classmethod
    def of(cls, candle: Candle, pair: str, open_time_ns: int, arrival_time_ns: int) -> Self:
        """The bar that `candle` is, once its rules are met."""
        return cls(
            pair,
            open_time_ns,
            candle.open,
            candle.high,
            candle.low,
            candle.close,
            candle.volume,
            candle.source_time_ns,
            arrival_time_ns,
            _spread(candle.open_ask, candle.open),
            candle.taker_buy_share,
            candle.trade_count,
            _spread(candle.close_ask, candle.close),
        )

    @property
    def close_time_ns(self) -> int:
        """When the minute ended."""
        return self.open_time_ns + MINUTE_NS

    @property
    def quoted(self) -> bool:
        """Whether a spread is known."""
        return self.spread is not None or self.close_spread is not None

    @property
    def carried(self) -> dict[str, float]:
        """Known values of the series that come with bars, by name: of those in `OF_BARS`."""
        values = {TAKER_BUY_SHARE: self.taker_buy_share, TRADE_COUNT: self.trade_count}
        return {name: value for name, value in values.items() if value is not None}

    @property
    def values(self) -> tuple[float, float, float, float, float]:
        """Prices and volume, which a correction may change."""
        return self.open, self.high, self.low, self.close, self.volume


def _spread(ask: float, bid: float) -> float | None:
    """Ask less bid; None if unknown, or if the two were not taken at the same instant."""
    return spread if (spread := ask - bid) >= 0.0 else None


@dataclass(frozen=True)
class BarClosed:
    """The next bar of its pair; open times of these events always increase."""

    bar: LiveBar


@dataclass(frozen=True)
class BarRevised:
    """The venue corrected a bar after it was emitted, or sent one thought to be missing.

    Attributes:
        bar: the venue's current version.
        previous: the earlier version; None if the minute had been given up as missing.
    """

    bar: LiveBar
    previous: LiveBar | None


@dataclass(frozen=True)
class BarRejected:
    """An impossible bar; `open_time_ns` is None if the time itself cannot be read."""

    pair: str
    open_time_ns: int | None
    reason: str


@dataclass(frozen=True)
class GapFilled:
    """A hole was requested again; its bars were just emitted, newer ones follow.

    Attributes:
        pair: the pair.
        start_ns: open of the first missing minute.
        end_ns: open of the first minute after the hole.
        filled: number of bars the venue had.
        missing: minutes of open market for which it has no bar, or that are too far back for the
            backfill.
    """

    pair: str
    start_ns: int
    end_ns: int
    filled: int
    missing: int


@dataclass(frozen=True)
class Stale:
    """Nothing arrived for too long, counted in open market time; sent once per silence.

    A bar ends the silence of ``requests``. A silent ``stream`` is also reconnected.
    """

    pair: str
    channel: Channel
    silent_ns: int
    last_open_time_ns: int | None


@dataclass(frozen=True, eq=False)
class SeriesPoints:
    """New points of a series that accompanies the bars, each known from its `known_ns`.

    Attributes:
        pair: the pair, or `market.series.MACRO` for points that concern every pair.
        points: at least one point, each later than those of earlier events.
    """

    pair: str
    points: Series


@dataclass(frozen=True)
class SeriesStale:
    """The newest value of a series has become too old to be used; sent once until it is back.

    Attributes:
        pair: as for `SeriesPoints`.
        series: name of the series.
        last_event_ns: time the newest value is about; None if there was none.
    """

    pair: str
    series: str
    last_event_ns: int | None


@dataclass(frozen=True)
class SeriesBack:
    """A series that was stale has a usable value again."""

    pair: str
    series: str


@dataclass(frozen=True)
class PairLost:
    """The venue does not have the pair (any more); the other pairs continue."""

    pair: str
    reason: str


Event: TypeAlias = (
    BarClosed
    | BarRevised
    | BarRejected
    | GapFilled
    | Stale
    | Disconnected
    | Reconnected
    | SeriesPoints
    | SeriesStale
    | SeriesBack
    | PairLost
    | ClockOffset
    | ClockTrusted
    | ClockJumped
    | Slept
)
