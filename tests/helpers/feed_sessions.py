"""A live feed, the venue on loopback behind it, and the clock of both."""

from contextlib import asynccontextmanager

from mlx_muzero.paper.feeds.events import BarClosed
from mlx_muzero.paper.feeds.live import LiveFeed
from mlx_muzero.paper.feeds.settings import FeedSettings
from mlx_muzero.timeunits import HOUR_NS, MINUTE_NS
from venue import later
from virtual_time import MONDAY_NS, SECOND_NS, VirtualClock, collect, run

START_NS = MONDAY_NS + 10 * HOUR_NS + 30 * SECOND_NS
FIRST_MINUTE = START_NS // MINUTE_NS


class Session:
    """One subscription's surroundings."""

    def __init__(self, clock, venue, source, feed):
        self.clock, self.venue, self.source, self.feed = clock, venue, source, feed
        self._tasks = []

    def after(self, seconds, act):
        """Do `act` in so many seconds."""
        self._tasks.append(later(self.clock, int(seconds * SECOND_NS), act))

    def at(self, minute, act):
        """Do `act` a quarter of a minute into `minute`, counted from the first."""
        due_ns = (FIRST_MINUTE + minute) * MINUTE_NS + 15 * SECOND_NS - self.clock.start_ns
        self.after((due_ns - self.clock.monotonic_ns()) / SECOND_NS, act)


@asynccontextmanager
async def session(make_venue, make_source, start_ns=START_NS, push=False, **settings):
    """A feed of `make_source(what the venue's listen gives)`."""
    clock = VirtualClock(start_ns)
    venue = make_venue(clock)
    async with venue.listen() as address:
        source = make_source(address)
        feed = LiveFeed(
            source,
            push=source if push else None,
            settings=FeedSettings(**settings),
            clock=clock,
            uniform=lambda: 0.5,
        )
        yield Session(clock, venue, source, feed)


def play(make_venue, make_source, pairs, bars, prepare=None, first=None, **options):
    """Events up to the `bars`-th bar of the first pair, and the session."""

    async def main():
        async with session(make_venue, make_source, **options) as held:
            if prepare:
                prepare(held)
            async with held.feed.subscribe(dict.fromkeys(pairs, first)) as events:
                left = iter(range(bars - 1, -1, -1))

                def last(event):
                    mine = isinstance(event, BarClosed) and event.bar.pair == pairs[0]
                    return mine and not next(left)

                seen = await collect(events, last)
                held.elapsed_ns = held.clock.monotonic_ns()
                return seen, held

    return run(main())


def of(events, kind):
    return [event for event in events if isinstance(event, kind)]


def minutes(events, pair):
    """Which minutes of `pair` were emitted, counted from the first."""
    closed = [e.bar for e in of(events, BarClosed) if e.bar.pair == pair]
    return [bar.open_time_ns // MINUTE_NS - FIRST_MINUTE for bar in closed]
