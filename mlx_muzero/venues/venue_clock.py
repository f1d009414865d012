"""Estimates the venue's clock, which decides whether a minute is over, fresh or history.

Between measurements the estimate runs on this machine's monotonic clock, so setting the wall clock
by any amount changes nothing. The monotonic clock stands still while the machine sleeps. Whether
the machine slept or its wall clock was set shows at the next measurement; until then the estimate
is in doubt and is not used to judge anything. So it is when the venue's clock turns out
to have been set (`has_passed`).
"""

import asyncio
import statistics
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from mlx_muzero.timeunits import SECOND_NS
from mlx_muzero.venues.clock import Clock
from mlx_muzero.venues.source import VenueTime

_LOOK_NS = SECOND_NS // 10


@dataclass(frozen=True)
class ClockOffset:
    """The venue's clock minus this machine's: the median of several measurements.

    Attributes:
        offset_ns: positive if this machine is behind.
        uncertainty_ns: half the round trip plus half the venue's resolution.
        samples: number of measurements.
    """

    offset_ns: int
    uncertainty_ns: int
    samples: int


@dataclass(frozen=True)
class ClockJumped:
    """A clock jumped.

    Attributes:
        whose: ``local``: the wall clock moved against the monotonic one (it was set, or the
            machine slept); ``venue``: the venue's clock moved since it was last measured.
        jump_ns: size of the jump, positive forward.
    """

    whose: Literal["local", "venue"]
    jump_ns: int


@dataclass(frozen=True)
class ClockTrusted:
    """The venue gives no time, not even in headers: this machine's clock is used instead."""


@dataclass(frozen=True)
class Slept:
    """This machine slept, as a measurement of the venue's clock showed."""

    duration_ns: int


ClockEvent: TypeAlias = ClockOffset | ClockJumped | ClockTrusted | Slept


class VenueClock:
    """Time at the venue; falls back to this machine's wall time until it is measured.

    Args:
        clock: this machine's clocks.
        max_jump_ns: how far clocks may drift apart before it counts as a jump.
    """

    def __init__(self, clock: Clock, max_jump_ns: int) -> None:
        self._clock = clock
        self._max_jump_ns = max_jump_ns
        # All of these are relative to the monotonic clock.
        self._wall_ahead_ns = self._measured_wall_ahead_ns = self._wall_ahead()
        self._ahead_ns: int | None = None
        self.uncertainty_ns = 0
        self._told_ns = 0  # what the venue said last
        self._moved: tuple[int, int] | None = None  # since when it seems to be ahead by how much
        self._was_set = False
        self._asking = asyncio.Lock()

    def now_ns(self) -> int:
        """Best estimate of the venue's time."""
        if self._ahead_ns is None:
            return self._clock.wall_ns()
        return self._clock.monotonic_ns() + self._ahead_ns

    def lower_bound_ns(self) -> int:
        """A time the venue's clock has certainly passed."""
        return self.now_ns() - self.uncertainty_ns

    @property
    def in_doubt(self) -> bool:
        """Whether a clock was set, or this machine has slept, since the last measurement."""
        moved_ns = self._wall_ahead() - self._measured_wall_ahead_ns
        moved = self._ahead_ns is not None and abs(moved_ns) > self._max_jump_ns
        return moved or self._was_set

    async def wait_until_certain(self) -> None:
        """Wait until the estimate is no longer in doubt."""
        while self.in_doubt:
            await self._clock.sleep(_LOOK_NS)

    async def has_passed(
        self, time_ns: int, ask: Callable[[], Awaitable[VenueTime | None]]
    ) -> bool:
        """Whether the venue's own clock has passed `time_ns`, as the estimate has.

        The venue is asked, unless it has told a later time already. Where it disagrees twice, and
        its clock has run in between, it was set: the estimate is in doubt. One that stands still is
        that of a venue that has stopped, and then time goes on by the estimate.
        """
        async with self._asking:
            if self.in_doubt:
                return False
            if self._ahead_ns is None or self._told_ns >= time_ns:
                return True
            sample = await self._sample(ask)
            known_ns = self._ahead_ns  # it may have been measured meanwhile
            if sample is None or known_ns is None:
                return True
            ahead_ns, half_ns = sample
            allowed_ns = self._max_jump_ns + half_ns + self.uncertainty_ns
            if abs(ahead_ns - known_ns) <= allowed_ns:
                self._moved = None
                return True
            now_ns = self._clock.monotonic_ns()
            if self._moved is None or abs(ahead_ns - self._moved[1]) > allowed_ns:
                self._moved = now_ns, ahead_ns
            self._was_set = now_ns - self._moved[0] > 2 * allowed_ns
            return False

    async def measure(
        self, ask: Callable[[], Awaitable[VenueTime | None]], samples: int
    ) -> list[ClockEvent]:
        """Ask `samples` times and take the median.

        Returns:
            The offset, or the fact that there is none; preceded by an event if the machine slept
            or the venue's clock jumped.
        """
        wall_ahead_ns = self._wall_ahead()  # later changes put the estimate in doubt again
        rounds = []
        for _ in range(samples):
            sample = await self._sample(ask)
            if sample is None:
                self._ahead_ns, self.uncertainty_ns = None, 0
                self._moved, self._was_set = None, False
                return [ClockTrusted()]
            rounds.append(sample)
        ahead_ns = int(statistics.median_low(ahead for ahead, _ in rounds))
        uncertainty_ns = int(statistics.median_high(half for _, half in rounds))
        events: list[ClockEvent] = []
        if self._ahead_ns is not None:
            moved_ns = ahead_ns - self._ahead_ns
            # The monotonic clock stands still during sleep: both other clocks seem to move.
            slept_ns = wall_ahead_ns - self._measured_wall_ahead_ns
            allowed_ns = self._max_jump_ns + uncertainty_ns + self.uncertainty_ns
            if abs(moved_ns) > allowed_ns:
                slept = slept_ns > 0 and abs(moved_ns - slept_ns) <= allowed_ns
                events.append(Slept(moved_ns) if slept else ClockJumped("venue", moved_ns))
        self._ahead_ns, self.uncertainty_ns = ahead_ns, uncertainty_ns
        self._moved, self._was_set = None, False
        self._measured_wall_ahead_ns = wall_ahead_ns
        return [*events, ClockOffset(ahead_ns - wall_ahead_ns, uncertainty_ns, samples)]

    def local_jump(self) -> ClockJumped | None:
        """How far the wall clock has moved against the monotonic one since the last call."""
        before_ns, self._wall_ahead_ns = self._wall_ahead_ns, self._wall_ahead()
        moved_ns = self._wall_ahead_ns - before_ns
        return ClockJumped("local", moved_ns) if abs(moved_ns) > self._max_jump_ns else None

    def _wall_ahead(self) -> int:
        return self._clock.wall_ns() - self._clock.monotonic_ns()

    async def _sample(
        self, ask: Callable[[], Awaitable[VenueTime | None]]
    ) -> tuple[int, int] | None:
        """How far the venue is ahead of the monotonic clock, and the uncertainty of that."""
        asked_ns = self._clock.monotonic_ns()
        answer = await ask()
        if answer is None:
            return None
        self._told_ns = answer.time_ns
        trip_ns = self._clock.monotonic_ns() - asked_ns
        uncertainty_ns = (trip_ns + answer.resolution_ns) // 2
        return answer.time_ns - asked_ns - trip_ns // 2, uncertainty_ns
