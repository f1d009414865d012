"""Counts sessions for accounts that trade on without an end, as those of paper sessions do."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from mlx_muzero.config.local_times import LocalTime
from mlx_muzero.config.schema import MarketConfig
from mlx_muzero.market.clocks import ZoneClock
from mlx_muzero.timeunits import DAY_NS, MINUTE_NS
from mlx_muzero.types import I64


@dataclass(frozen=True)
class SessionClock:
    """When one session ends and the next begins.

    Attributes:
        bars: minutes of a session, unless the day's end cuts it short.
        start: local time at which one begins every day; None: one follows another.
    """

    bars: int
    start: LocalTime | None = None

    @classmethod
    def of(cls, market: MarketConfig) -> Self:
        """The sessions of a training."""
        start = LocalTime.parse(market.session_start) if market.session_start else None
        return cls(market.session_bars, start)

    def place(self, minute: int, first_minute: int) -> tuple[int, int]:
        """`places` of one decision."""
        session, late = self.places(np.array([minute]), first_minute)
        return int(session[0]), int(late[0])

    def places(self, minute: I64, first_minute: int) -> tuple[I64, I64]:
        """Number of the session in which each decision is taken, and how many minutes into it.

        After a day's session these go on to the next.

        Args:
            minute: ``i64[N]`` since 1970 UTC, at which the last known bars opened.
            first_minute: the same of the account's first decision.

        Returns:
            Two ``i64[N]``.
        """
        if self.start is None:
            return np.divmod(minute - first_minute, self.bars)
        local_ns = ZoneClock(self.start.zone).from_utc((minute + 1) * MINUTE_NS)
        day, late_ns = np.divmod(local_ns - self.start.ns, DAY_NS)
        return day, late_ns // MINUTE_NS
