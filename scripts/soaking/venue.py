"""The venue of a soak: a made-up market behind a source that misbehaves as planned."""

import random
from collections.abc import Sequence

import numpy as np

from mlx_muzero.timeunits import MINUTE_NS, SECOND_NS
from mlx_muzero.venues.candle import Candle
from mlx_muzero.venues.page import Page
from mlx_muzero.venues.source import PairGone, Unavailable, VenueTime
from soaking.faults import Fault, Kind, Plan
from soaking.market import Market
from soaking.virtual_time import VirtualClock

_LATENCY_NS = (20 * SECOND_NS // 1000, 80 * SECOND_NS // 1000)
_BAR_FAULTS: tuple[Kind, ...] = ("late bar", "missing bar", "revised bar", "rejected bar")


class World(VirtualClock):
    """The clocks of one life of the session: this machine's, and the true time.

    Args:
        now_ns: the true time when it begins.
        plan: says when clocks move.
    """

    def __init__(self, now_ns: int, plan: Plan) -> None:
        super().__init__(now_ns)
        self.slept_ns = 0
        self._venue_steps = [
            (fault.at_ns, 0 if number % 2 else fault.size_ns)  # every other one is set right again
            for number, fault in enumerate(plan.of("venue clock"))
        ]

    def true_ns(self) -> int:
        """The time that passes outside."""
        return self.start_ns + self.monotonic_ns() + self.slept_ns

    def venue_ns(self) -> int:
        """What the venue's clock says."""
        now_ns, ahead_ns = self.true_ns(), 0
        for at_ns, size_ns in self._venue_steps:
            if at_ns <= now_ns:
                ahead_ns = size_ns
        return now_ns + ahead_ns

    def sleep_through(self, duration_ns: int) -> None:
        """Shut the lid for so long."""
        self.slept_ns += duration_ns
        self.wall_jump_ns += duration_ns

    def set_wall(self, step_ns: int) -> None:
        """Set this machine's clock."""
        self.wall_jump_ns += step_ns


class MisbehavingVenue:
    """A `venues.source.Source` with series.

    Args:
        market: what really happened.
        plan: what goes wrong.
        world: the clocks.
        names: our name of a pair, by the venue's.
    """

    page_bars = 500

    def __init__(
        self, market: Market, plan: Plan, world: World, names: dict[str, str], seed: int
    ) -> None:
        self._market, self._world, self._names = market, world, names
        self._dice = random.Random(seed)
        self._outages = plan.of("outage")
        self._drops = _by_pair(plan.of("drop"))
        self._stalls = _by_pair(plan.of("stall"))
        self._gone = {fault.pair: fault.at_ns for fault in plan.of("delisting")}
        self._of_bars = {
            (fault.pair, fault.minute): fault for kind in _BAR_FAULTS for fault in plan.of(kind)
        }

    async def fetch(
        self, pair: str, start_ns: int, bars: int | None = None, end_ns: int | None = None
    ) -> Sequence[Candle]:
        """See `Source.fetch`."""
        own = self._names[pair]
        await self._answer(own, self._drops.get(own, ()))
        now_ns = self._world.venue_ns()
        first = max(-(-start_ns // MINUTE_NS), self._market.first_minute)
        last = min(now_ns // MINUTE_NS, first + (bars or self.page_bars) - 1)
        rows = (self._candle(own, minute, now_ns) for minute in range(first, last + 1))
        return [row for row in rows if row is not None]

    async def points(
        self, pair: str, series: str, start_ns: int | None, count: int, end_ns: int | None = None
    ) -> Page:
        """See `SeriesSource.points`."""
        own = self._names[pair]
        await self._answer(own)
        times = self._market.settlements(start_ns or 0, self._world.venue_ns())
        rates = [self._market.rate(own, time_ns) for time_ns in times[:count]]
        return Page(np.array(times[:count], np.int64), {"value": np.array(rates, np.float64)})

    async def time(self, pair: str) -> VenueTime | None:
        """See `Source.time`."""
        await self._answer(self._names[pair])
        return VenueTime(self._world.venue_ns(), SECOND_NS // 1000)

    async def close(self) -> None:
        """See `Source.close`."""

    async def _answer(self, pair: str, drops: Sequence[Fault] = ()) -> None:
        """Take as long as an answer takes, and fail as planned."""
        latency_ns = self._dice.randrange(*_LATENCY_NS)
        await self._world.sleep(latency_ns // 2)
        now_ns = self._world.true_ns()
        if self._gone.get(pair, now_ns) < now_ns:
            raise PairGone(f"{pair} is not available: delisted")
        if any(fault.at_ns <= now_ns < fault.until_ns for fault in (*self._outages, *drops)):
            raise Unavailable("connection refused")
        await self._world.sleep(latency_ns - latency_ns // 2)

    def _candle(self, pair: str, minute: int, now_ns: int) -> Candle | None:
        """What the venue says of a minute when its clock says `now_ns`; None for nothing.

        By that clock the minute ends, and what is wrong with its bar is put right.
        """
        opened, true_ns = minute * MINUTE_NS, self._world.true_ns()
        for stall in self._stalls.get(pair, ()):
            if stall.at_ns <= true_ns < stall.until_ns and opened + MINUTE_NS > stall.at_ns:
                return None
        open_, high, low, close, volume = self._market.values(pair, minute)
        if opened + MINUTE_NS > now_ns:
            return Candle(opened, open_, high, low, open_, volume / 10)
        fault = self._of_bars.get((pair, minute))
        if fault is not None and fault.kind == "missing bar":
            return None
        if fault is not None and now_ns < fault.until_ns:
            if fault.kind == "late bar":
                return None
            if fault.kind == "rejected bar":
                return Candle(opened, open_, low, high, close, volume)
            # Of a bar that closes where it opened, only the volume tells the correction.
            close, volume = round((open_ + close) / 2, 4), volume / 2
        return Candle(opened, open_, high, low, close, volume)


def _by_pair(faults: Sequence[Fault]) -> dict[str, list[Fault]]:
    found: dict[str, list[Fault]] = {}
    for fault in faults:
        if fault.pair is not None:
            found.setdefault(fault.pair, []).append(fault)
    return found
