"""What accounts know of the moment at which they decide, beside observation and account state."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import I64


@dataclass(frozen=True, eq=False)
class Moment:
    """The moment at which B accounts decide; None where it is not known.

    Attributes:
        minute: ``i64[B]`` minutes since 1970 UTC at which the last known bars opened.
        bar: ``i64[B]`` decisions already made in the sessions.
    """

    minute: I64 | None = None
    bar: I64 | None = None

    def later(self, account: I64, bars: I64) -> "Moment":
        """The moments at which accounts ``i64[n]`` decide so many bars ``i64[n]`` later."""
        minute, bar = (
            None if now is None else now[account] + bars for now in (self.minute, self.bar)
        )
        return Moment(minute, bar)


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


def moment_of(sessions: Deciding) -> Moment:
    """The moment at which sessions decide."""
    minute = sessions.open_time_ns[sessions.bar] // MINUTE_NS
    return Moment(minute, np.full(len(minute), sessions.step_index))
