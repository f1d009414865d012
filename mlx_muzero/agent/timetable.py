"""When which costs, limits and swap are in force, as conditions of a search's terms."""

from copy import copy
from typing import NamedTuple

import numpy as np

from mlx_muzero.agent.moment import Moment
from mlx_muzero.market.calendar import swap_nights
from mlx_muzero.search.terms import Terms
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.trading.gains import fill_costs
from mlx_muzero.trading.limits import STAGES
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.types import I64

_DAY = 1440
"""Minutes."""

_NIGHTS = np.array([0, 1, 3])
"""Nights that may lie between one minute and the next."""


class Stretch(NamedTuple):
    """Bars in a row on a timetable.

    Attributes:
        minute: at which the first opens, since 1970 UTC; None where nothing follows a clock.
        bar: decisions made in the session before it; None where nothing counts them.
        length: their number.
        ahead: bars behind them whose conditions matter to them.
    """

    minute: int | None
    bar: int | None
    length: int
    ahead: int


class Timetable:
    """The terms of a set of rules, and which condition of them holds at each bar.

    Bars to come are taken to follow each other minute by minute.

    Args:
        rules: positions, costs, limits and swap.
        price: usual price, at which costs in basis points are counted in pips.
        spread: usual spread of the quotes; counts only if they are paid.
        cost_factor: costs of the terms, over those of the rules.

    Attributes:
        terms: account states, and costs, limits and carry by condition.
        phases: bars after which costs repeat.
    """

    def __init__(
        self, rules: TradingRules, price: float, spread: float, cost_factor: float
    ) -> None:
        self._rules, states = rules, rules.states
        self.phases = rules.costs.phases
        minute = np.arange(self.phases)
        prices, spreads = (np.full(len(minute), usual) for usual in (price, spread))
        paid = fill_costs(prices, rules, spreads if rules.costs.quoted else None, minute)
        paid *= cost_factor
        # A condition is nights, stage and phase, the last changing first.
        nights = _NIGHTS if rules.swap.charges else _NIGHTS[:1]
        stages = STAGES if rules.limits.by_time else 1
        costs = np.where(rules.allowed[:stages, None], paid, np.inf).reshape(-1, *paid.shape[1:])
        carry = rules.swap.paid_pips(states.exposures, nights[:, None])
        self.terms = Terms(
            states.exposures,
            states.next_state,
            np.tile(costs, (len(nights), 1, 1)),
            np.repeat(carry, len(costs), axis=0),
        )

    @property
    def repeats(self) -> bool:
        """Whether conditions are phases of the costs and nothing else, and repeat after them."""
        return not self._rules.limits.by_time and not self._rules.swap.charges

    @property
    def follows_clock(self) -> bool:
        """Whether conditions depend on the minute."""
        rules = self._rules
        return self.phases > 1 or rules.limits.follow_clock or rules.swap.charges

    def priced(self, pips: float) -> "Timetable":
        """This timetable where an exposure of 1 pays so many pips for every bar that it is held."""
        priced = copy(self)
        priced.terms = self.terms.priced(pips)
        return priced

    def conditions(self, moment: Moment, accounts: int, ahead: int) -> I64:
        """``i64[B, ahead + 1]`` condition of the decisions of B accounts now and at coming bars.

        Raises:
            ValueError: the rules follow a clock or count bars, and `moment` does not tell them.
        """
        coming = np.arange(ahead + 1)
        minute, bar = (
            None if now is None else now[:, None] + coming for now in (moment.minute, moment.bar)
        )
        return self._conditions((accounts, ahead + 1), minute, bar)

    def along(self, stretch: Stretch) -> I64:
        """``i64[length + ahead + phases]`` conditions from a stretch's first bar on."""
        coming = np.arange(stretch.length + stretch.ahead + self.phases)
        minute = None if stretch.minute is None else stretch.minute + coming
        bar = None if stretch.bar is None else stretch.bar + coming
        return self._conditions(coming.shape, minute, bar)

    def stretch(self, minute: int | None, bar: int | None) -> tuple[Stretch, int]:
        """The stretch to read a decision's future on, and the decision's place on it.

        Most decisions share one: a session up to the last bar whose number counts, or else a day.
        Where limits or swap follow a clock, the day behind it matters, too. What a position is
        worth beside another does not depend on later ones: by then it may have been closed.
        """
        limits = self._rules.limits
        by_day = limits.follow_clock or self._rules.swap.charges
        ahead = _DAY if by_day else 0
        if limits.last_bar is not None and bar is not None and bar < limits.last_bar:
            start = minute - bar if self.follows_clock and minute is not None else None
            return Stretch(start, 0, limits.last_bar, ahead), bar
        past = limits.last_bar
        if not self.follows_clock or minute is None:
            return Stretch(None, past, 0, ahead), 0
        return Stretch(minute - minute % _DAY, past, _DAY, ahead), minute % _DAY

    def _conditions(self, shape: tuple[int, ...], minute: I64 | None, bar: I64 | None) -> I64:
        if self.follows_clock and minute is None:
            raise ValueError("rules that follow a clock need the minutes of the decisions")
        condition = np.zeros(shape, np.int64)
        if self._rules.swap.charges and minute is not None:
            opens = minute.ravel() * MINUTE_NS
            nights = swap_nights(opens, opens + MINUTE_NS).reshape(shape)
            condition += np.searchsorted(_NIGHTS, nights)
        if self._rules.limits.by_time:
            condition = condition * STAGES + self._rules.limits.stages(shape, minute, bar)
        if self.phases > 1 and minute is not None:
            condition = condition * self.phases + minute % self.phases
        return condition
