"""Limits of the clock and of size: when a position may be held, entered, and how large it may be.

One definition for accounts, searches and paper sessions. What is in force at a decision is one of
three stages, each stricter than the one before; what an action may do in each follows from the
exposures before and after it.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from mlx_muzero.config.local_times import DailySpan, SessionBar, parse_limit_time
from mlx_muzero.market.clocks import ZoneClock
from mlx_muzero.timeunits import DAY_NS, MINUTE_NS
from mlx_muzero.trading.account_states import AccountStates
from mlx_muzero.trading.positions import ILLEGAL
from mlx_muzero.types import F64, I32, I64, Bool

FREE, NO_ENTRIES, MUST_BE_FLAT = 0, 1, 2
"""Stages: nothing is forbidden; positions may only shrink; none may be held."""

STAGES = 3

_TOLERANCE = 1e-9  # exposures may equal their limit


@dataclass(frozen=True)
class Limits:
    """When and how large positions may be.

    Attributes:
        flat_by: positions are closed from then on, until that time is over.
        no_entries: positions may not grow or change sides then.
        max_exposure: largest exposure on either side that an entry may lead to.
    """

    flat_by: DailySpan | SessionBar | None = None
    no_entries: DailySpan | SessionBar | None = None
    max_exposure: float = 1.0

    @classmethod
    def of(cls, flat_by: str, no_entries: str, max_exposure: float) -> Self:
        """Limits as settings write them; an empty text is no limit.

        Raises:
            ValueError: a text cannot be read.
        """
        return cls(_time_of(flat_by), _time_of(no_entries), max_exposure)

    @property
    def by_time(self) -> bool:
        """Whether they are not always the same."""
        return self.flat_by is not None or self.no_entries is not None

    @property
    def follow_clock(self) -> bool:
        """Whether they change at local times."""
        return any(isinstance(time, DailySpan) for time in (self.flat_by, self.no_entries))

    @property
    def last_bar(self) -> int | None:
        """Decision of a session from which on none changes by its number; None if none does."""
        times = (self.flat_by, self.no_entries)
        return max((time.bar for time in times if isinstance(time, SessionBar)), default=None)

    @property
    def by_bar(self) -> Self:
        """Without those at local times."""
        flat_by, no_entries = (
            None if isinstance(time, DailySpan) else time
            for time in (self.flat_by, self.no_entries)
        )
        return replace(self, flat_by=flat_by, no_entries=no_entries)

    @property
    def note(self) -> str:
        """All that they forbid to accounts of usual size, in words; empty if nothing."""
        said = {
            "flat": self.flat_by,
            "no entries": self.no_entries,
            "exposures": None if self.max_exposure >= 1.0 else f"{self.max_exposure:g} at most",
        }
        return ", ".join(
            f"{what} {time if isinstance(time, str) else f'from {time}'}"
            for what, time in said.items()
            if time is not None
        )

    def playable(self, session_bars: int) -> int:
        """Decisions of a session of so many bars at which a position may be held."""
        flat_by = self.flat_by
        return min(session_bars, flat_by.bar) if isinstance(flat_by, SessionBar) else session_bars

    def stages(self, shape: tuple[int, ...], minute: I64 | None, bar: I64 | None) -> I64:
        """``i64[shape]`` stage that is in force at decisions.

        Args:
            shape: of their array.
            minute: ``i64[shape]`` minutes since 1970 UTC at which the last known bars opened;
                needed where limits change at local times.
            bar: ``i64[shape]`` decisions already made in the sessions; needed where they count.

        Raises:
            ValueError: what is needed is not given.
        """
        stages = np.full(shape, FREE, np.int64)
        for time, stage in ((self.no_entries, NO_ENTRIES), (self.flat_by, MUST_BE_FLAT)):
            if time is not None:
                stages[_covers(time, minute, bar)] = stage
        return stages

    def allowed(self, states: AccountStates) -> Bool:
        """``bool[3, S, A]`` legal actions of accounts in each state, by stage."""
        before = states.exposures[:, None]
        after = states.exposures[states.next_state]
        permitted = [permits(stage, before, after, self.max_exposure) for stage in range(STAGES)]
        return np.asarray(np.stack(permitted) & states.legal)


NO_LIMITS = Limits()
"""Any exposure at any time."""


class RootStates:
    """Account states in which a search may begin: each at every stage of the limits.

    Row ``stage * S + state`` allows what the limits do in that state at that stage, and leads to
    states of the first stage, where only the limit of size is in force: for searches whose networks
    know nothing of the time. Without limits by time, root states are account states.

    Attributes:
        next_state: ``i32[R, A]`` row after an action; -1 where illegal.
    """

    def __init__(self, states: AccountStates, limits: Limits) -> None:
        self._count = states.count
        stages = STAGES if limits.by_time else 1
        allowed = limits.allowed(states)[:stages]
        rows = np.where(allowed, states.next_state, ILLEGAL)
        self.next_state: I32 = rows.reshape(-1, rows.shape[-1]).astype(np.int32)

    @property
    def legal(self) -> Bool:
        """``bool[R, A]`` True where the action is allowed."""
        return np.asarray(self.next_state != ILLEGAL)

    def of(self, state: I32, stage: I64) -> I32:
        """``i32[B]`` rows of accounts in `state` ``i32[B]`` at `stage` ``i64[B]``."""
        if len(self.next_state) == self._count:
            return state
        return (state + stage * self._count).astype(np.int32)


def permits(stage: int, held: F64 | float, wanted: F64 | float, room: F64 | float) -> Bool:
    """Whether accounts may go from exposure `held` to `wanted`, elementwise.

    A position that already exceeds its room may stay or shrink, but not grow.

    Args:
        stage: in force.
        held: signed exposure now.
        wanted: the same after the decision.
        room: largest exposure on either side.
    """
    if stage == MUST_BE_FLAT:
        return np.asarray(wanted == 0.0)
    size, held_size = np.abs(wanted), np.abs(held)
    shrinks = np.logical_and(np.asarray(held * wanted) > 0.0, size <= held_size)
    fits = size <= (room + _TOLERANCE if stage == FREE else 0.0)
    return np.asarray(shrinks | fits)


def _time_of(text: str) -> DailySpan | SessionBar | None:
    return parse_limit_time(text) if text else None


def _covers(time: DailySpan | SessionBar, minute: I64 | None, bar: I64 | None) -> Bool:
    """Whether a limit holds at decisions, which are taken when their last known bar has closed."""
    if isinstance(time, SessionBar):
        if bar is None:
            raise ValueError("a limit by bars needs to know how many the session had so far")
        return np.asarray(bar >= time.bar)
    if minute is None:
        raise ValueError("a limit at a local time needs the minutes of the decisions")
    decided_ns = ((minute + 1) * MINUTE_NS).ravel()
    local = ZoneClock(time.zone).from_utc(decided_ns) % DAY_NS // MINUTE_NS
    from_first, to_end = local >= time.first, local < time.end
    covered = from_first & to_end if time.first < time.end else from_first | to_end
    return np.asarray(covered.reshape(minute.shape))
