"""What accounts know of the moment at which they decide, beside observation and account state."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import F64, I64


@dataclass(frozen=True, eq=False)
class Moment:
    """The moment at which B accounts decide; None where it is not known.

    Attributes:
        minute: ``i64[B]`` minutes since 1970 UTC at which the last known bars opened.
        bar: ``i64[B]`` decisions already made in the sessions.
        spread: ``f64[B]`` ask less bid at the last closes; counts only where fills pay it.
        funding_rate: ``f64[B]`` rates expected of settlements to come, NaN where nothing tells any;
            counts only where plans follow what was announced or settled.
    """

    minute: I64 | None = None
    bar: I64 | None = None
    spread: F64 | None = None
    funding_rate: F64 | None = None

    def later(self, account: I64, bars: I64) -> "Moment":
        """The moments at which accounts ``i64[n]`` decide so many bars ``i64[n]`` later.

        Nobody knows the spread then.
        """
        minute, bar = (
            None if now is None else now[account] + bars for now in (self.minute, self.bar)
        )
        rate = None if self.funding_rate is None else self.funding_rate[account]
        return Moment(minute, bar, funding_rate=rate)


UNKNOWN = Moment()
"""Enough where costs and limits never change."""


class Deciding(Protocol):
    """Sessions in lockstep that are about to decide; see `mlx_muzero.evaluation.policy`."""

    @property
    def bar(self) -> I64:
        """``i64[B]`` the last known bar."""
        ...

    @property
    def open_time_ns(self) -> I64:
        """``i64[T]`` UTC bar opens."""
        ...

    @property
    def step_index(self) -> int:
        """Number of decisions already made."""
        ...

    @property
    def close_spread(self) -> F64 | None:
        """``f64[T]`` ask less bid at each close; None unless it is paid."""
        ...

    @property
    def expected_rate(self) -> F64 | None:
        """``f64[T]`` rate of settlements to come, by close; None unless plans follow it."""
        ...


def moment_of(sessions: Deciding) -> Moment:
    """The moment at which sessions decide."""
    bar = sessions.bar
    minute = sessions.open_time_ns[bar] // MINUTE_NS
    spread, rate = (
        None if known is None else known[bar]
        for known in (sessions.close_spread, sessions.expected_rate)
    )
    return Moment(minute, np.full(len(minute), sessions.step_index), spread, rate)
