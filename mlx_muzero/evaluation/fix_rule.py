"""The rule of the Tokyo fix: long of yen pairs before it, short after it.

Japan's banks fix the day's rates at 9:55 Tokyo time, and importers buy dollars at that rate, so
dollars tend to rise until then and to fall back. The rule is a baseline, never a teacher: nothing
learns from it, and nothing about it was fitted here.
"""

from dataclasses import dataclass

import numpy as np

from mlx_muzero.config.local_times import LocalTime
from mlx_muzero.evaluation.policy import SessionView
from mlx_muzero.market.clocks import ZoneClock
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.timeunits import DAY_NS, MINUTE_NS
from mlx_muzero.types import I32


@dataclass(frozen=True)
class FixRule:
    """Long for some minutes before a local time on every weekday, short as long after it.

    Attributes:
        fix: the time.
        minutes: that each of the two positions lasts.
    """

    fix: LocalTime = LocalTime(9 * 60 + 55, "Asia/Tokyo")
    minutes: int = 30
    name: str = "fix_rule"

    def reset(self, env: SessionView) -> None:
        """Do nothing: no state is kept between steps."""

    def act(self, env: SessionView) -> I32:
        """Actions ``i32[B]`` toward the side wanted when the bar closes."""
        closed_ns = env.open_time_ns[env.bar] + MINUTE_NS
        local_ns = ZoneClock(self.fix.zone).from_utc(closed_ns)
        past = (local_ns % DAY_NS - self.fix.ns) // MINUTE_NS
        before = (past >= -self.minutes) & (past < 0)
        after = (past >= 0) & (past < self.minutes)
        side = before.astype(np.float64) - after
        side[~np.is_busday((local_ns // DAY_NS).astype("M8[D]"))] = 0.0
        return env.states.actions_toward(env.account_state, side)


def is_fixed_in_tokyo(symbol: str) -> bool:
    """Whether `symbol` is a currency quoted in yen."""
    pair = Symbol(symbol).pair
    return pair is not None and pair.of_currencies and pair.quote == "JPY"
