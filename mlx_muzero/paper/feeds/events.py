"""What a feed tells its consumer. Times are UTC nanoseconds since 1970."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from mlx_muzero.timeunits import MINUTE_NS

Channel = Literal["requests", "stream", "clock"]
"""Which of a feed's connections: requests for bars, the pushed stream, or the venue's clock."""


@dataclass(frozen=True)
class LiveBar:
    """A closed minute bar.

    Attributes:
        pair: the venue's name of the pair.
        open_time_ns: when the minute began; it is known from `close_time_ns` on.
        open: first price (bid, where the venue quotes bid and ask).
        high: highest price.
        low: lowest price.
        close: last price.
        volume: traded volume or ticks, NaN where unknown.
        source_time_ns: the venue's clock when it sent the bar; None where it does not say.
        arrival_time_ns: the venue's clock when the bar was here.
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

    @property
    def close_time_ns(self) -> int:
        """When the minute ended."""
        return self.open_time_ns + MINUTE_NS

    @property
    def values(self) -> tuple[float, float, float, float, float]:
        """Prices and volume: what a correction changes."""
        return self.open, self.high, self.low, self.close, self.volume


@dataclass(frozen=True)
class BarClosed:
    """The next bar of its pair; open times of these events only ever increase."""

    bar: LiveBar


@dataclass(frozen=True)
class BarRevised:
    """The venue corrected a bar after it was emitted, or sent one it was thought not to have.

    Attributes:
        bar: what the venue says now.
        previous: what it said before; None if the minute had been given up as missing.
    """

    bar: LiveBar
    previous: LiveBar | None


@dataclass(frozen=True)
class BarRejected:
    """A bar that cannot be; `open_time_ns` is None where that is what cannot be read."""

    pair: str
    open_time_ns: int | None
    reason: str


@dataclass(frozen=True)
class GapFilled:
    """A hole was asked for again; its bars were just emitted, newer ones follow.

    Attributes:
        pair: whose.
        start_ns: open of the first minute that had been missing.
        end_ns: open of the first minute after the hole.
        filled: bars the venue had.
        missing: minutes of an open market that it has no bar of, or that lie further back than
            the backfill goes.
    """

    pair: str
    start_ns: int
    end_ns: int
    filled: int
    missing: int


@dataclass(frozen=True)
class Stale:
    """Nothing came for too long, counted in time the market is open; said once a silence.

    A bar ends the silence of ``requests``. A silent ``stream`` is also reconnected.
    """

    pair: str
    channel: Channel
    silent_ns: int
    last_open_time_ns: int | None


@dataclass(frozen=True)
class Disconnected:
    """A connection failed, for the `failures`-th time in a row; it is tried after `retry_ns`."""

    pair: str
    channel: Channel
    reason: str
    retry_ns: int
    failures: int = 1


@dataclass(frozen=True)
class Reconnected:
    """A connection works again after `attempts` failures."""

    pair: str
    channel: Channel
    attempts: int
    down_ns: int


@dataclass(frozen=True)
class PairLost:
    """The venue does not have the pair (any more): nothing comes of it, the others go on."""

    pair: str
    reason: str


@dataclass(frozen=True)
class ClockOffset:
    """The venue's clock minus this machine's: the median of `samples` measurements.

    Attributes:
        offset_ns: positive where this machine is behind.
        uncertainty_ns: half the round trip, and half of the venue's resolution.
        samples: measurements behind it.
    """

    offset_ns: int
    uncertainty_ns: int
    samples: int


@dataclass(frozen=True)
class ClockJumped:
    """A clock moved on its own.

    Attributes:
        whose: ``local``: the wall clock left the monotonic one (someone set it, or the machine
            slept); ``venue``: its clock is not where it was measured to be.
        jump_ns: how far, positive forward.
    """

    whose: Literal["local", "venue"]
    jump_ns: int


@dataclass(frozen=True)
class ClockTrusted:
    """The venue tells no time, not even in its answers' headers: this machine's clock is taken."""


@dataclass(frozen=True)
class Slept:
    """This machine slept, as a measurement of the venue's clock has shown."""

    duration_ns: int


Event: TypeAlias = (
    BarClosed
    | BarRevised
    | BarRejected
    | GapFilled
    | Stale
    | Disconnected
    | Reconnected
    | PairLost
    | ClockOffset
    | ClockTrusted
    | ClockJumped
    | Slept
)
