"""Stored bars as a feed: several pairs together, minute by minute, at any speed.

A bar arrives at its close in replay time: `arrival_time_ns` is the close, whatever the speed. Pairs
share that time, so no bar of a minute arrives before all bars of the minute before.
"""

import math
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np

from mlx_muzero.errors import FeedError
from mlx_muzero.market.bars import Bars
from mlx_muzero.market.quotes import QUOTE_COLUMNS, require_quotes
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.paper.feeds.events import Event
from mlx_muzero.paper.feeds.feed import After, FirstBar
from mlx_muzero.paper.feeds.sequence import BarSequence
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.venues.candle import Candle
from mlx_muzero.venues.clock import Clock, SystemClock
from mlx_muzero.venues.hours import Hours, HoursOf, hours_in, hours_of


class ReplayFeed:
    """A `feeds.feed.Feed` of bars in memory; its events end with the last bar.

    Args:
        bars: bars of each pair.
        speed: replayed time over real time; infinity replays as fast as the consumer reads.
        clock: this machine's clock, for the pace.
        hours: decides which absent minutes count as missing.
        paced_from_ns: bars that close by then (the history) are replayed without delay.

    Raises:
        FeedError: the speed is not positive.
    """

    def __init__(
        self,
        bars: Sequence[Bars],
        speed: float = math.inf,
        clock: Clock | None = None,
        hours: HoursOf = hours_of,
        paced_from_ns: int = 0,
    ) -> None:
        if not speed > 0:
            raise FeedError(f"replay speed {speed} is not positive: 1 = real time, inf = fastest")
        self._bars = {series.symbol: series for series in bars}
        self._speed = speed
        self._clock = clock or SystemClock()
        self._hours = hours
        self._paced_from_ns = paced_from_ns

    @property
    def bars(self) -> list[Bars]:
        """All that it plays, with the history."""
        return list(self._bars.values())

    @classmethod
    def from_store(
        cls,
        path: str | Path,
        pairs: Sequence[str],
        start_ns: int | None = None,
        end_ns: int | None = None,
        speed: float = math.inf,
        paced_from_ns: int = 0,
        quoted: bool = False,
        observed: bool = False,
    ) -> "ReplayFeed":
        """Load bars of a store that open in [start_ns, end_ns); closes the file at once.

        If `quoted`, the bars come with their spreads, and need them; if only `observed`, they come
        with those they have.

        Raises:
            DataError: the store cannot be read, or has no bars of a pair in that period, or too few
                with quotes.
        """
        with BarStore(path, read_only=True) as store:
            extras = QUOTE_COLUMNS * (quoted or observed)
            bars = [store.load(pair, start_ns, end_ns, extras) for pair in pairs]
            for of_pair in bars if quoted else ():
                require_quotes(of_pair, str(path), "fills.cost")
            known = {pair: store.find_instrument(pair) for pair in pairs}

        def hours(pair: str) -> Hours:
            instrument = known[pair]
            return hours_of(pair) if instrument is None else hours_in(instrument.market)

        return cls(bars, speed, hours=hours, paced_from_ns=paced_from_ns)

    @asynccontextmanager
    async def subscribe(
        self, first_open_ns: Mapping[str, FirstBar]
    ) -> AsyncIterator[AsyncIterator[Event]]:
        """See `feeds.feed.Feed.subscribe`."""
        unknown = sorted(first_open_ns.keys() - self._bars.keys())
        if unknown or not first_open_ns:
            held = ", ".join(self._bars) or "nothing"
            wanted = ", ".join(unknown) or "no pair"
            raise FeedError(f"the replay was asked for {wanted}; it holds {held}")
        # A replay has no "now" to count minutes back from.
        yield self._events({pair: _open_ns(first) for pair, first in first_open_ns.items()})

    async def _events(self, first_open_ns: Mapping[str, int | None]) -> AsyncIterator[Event]:
        begin_ns = first_close_ns = 0
        for close_ns, events in self._minutes(first_open_ns):
            if close_ns <= self._paced_from_ns or not first_close_ns:
                begin_ns, first_close_ns = self._clock.monotonic_ns(), close_ns
            due_ns = begin_ns + int((close_ns - first_close_ns) / self._speed)
            # Even when late, yield to other tasks once a minute.
            await self._clock.sleep(due_ns - self._clock.monotonic_ns())
            for event in events:
                yield event

    def _minutes(
        self, first_open_ns: Mapping[str, int | None]
    ) -> Iterator[tuple[int, list[Event]]]:
        """Yield the close of each minute that has a bar, with the events of all pairs in it."""
        series = [
            self._bars[pair].between(first_ns or 0, np.iinfo(np.int64).max)
            for pair, first_ns in first_open_ns.items()
        ]
        series = [bars for bars in series if len(bars)]
        sequences = [self._sequence(bars, first_open_ns[bars.symbol]) for bars in series]
        rows = [0] * len(series)
        for open_ns in np.unique(np.concatenate([[], *(b.open_time_ns for b in series)])):
            close_ns = int(open_ns) + MINUTE_NS
            events: list[Event] = []
            for i, (bars, sequence) in enumerate(zip(series, sequences, strict=True)):
                if rows[i] < len(bars) and bars.open_time_ns[rows[i]] == open_ns:
                    events += _offer(sequence, _candle(bars, rows[i]), close_ns)
                    rows[i] += 1
            yield close_ns, events

    def _sequence(self, bars: Bars, first_ns: int | None) -> BarSequence:
        first_ns = int(bars.open_time_ns[0]) if first_ns is None else first_ns
        return BarSequence(bars.symbol, first_ns, self._hours(bars.symbol), remembered_bars=1)


def _open_ns(first: FirstBar) -> int | None:
    if isinstance(first, After):
        return first.open_time_ns
    return first if isinstance(first, int) else None


def _offer(sequence: BarSequence, candle: Candle, close_ns: int) -> list[Event]:
    events = sequence.offer(candle, close_ns, close_ns)
    if sequence.holds_back:
        # The store is all there is: nobody else has the earlier minutes.
        sequence.open_hole()
        events += sequence.close_hole()
    return events


def _candle(bars: Bars, row: int) -> Candle:
    return Candle(
        int(bars.open_time_ns[row]),
        float(bars.open[row]),
        float(bars.high[row]),
        float(bars.low[row]),
        float(bars.close[row]),
        float(bars.volume[row]),
        complete=True,
        source_time_ns=int(bars.open_time_ns[row]) + MINUTE_NS,
        **{name: float(bars.extras[name][row]) for name in QUOTE_COLUMNS if name in bars.extras},
    )
