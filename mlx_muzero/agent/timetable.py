"""When which costs, limits, swap and funding are in force, as conditions of a search's terms."""

from copy import copy
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from mlx_muzero.agent.moment import Moment
from mlx_muzero.market.calendar import swap_nights
from mlx_muzero.market.passing import times_passed
from mlx_muzero.search.terms import Terms
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.trading.costs import funding_pips, pip_price
from mlx_muzero.trading.gains import fill_costs, leaving_costs
from mlx_muzero.trading.limits import STAGES
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.types import F64, I64

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
        ends: whether accounts go flat after it, and earn nothing more.
    """

    minute: int | None
    bar: int | None
    length: int
    ahead: int
    ends: bool = False


class Timetable:
    """The terms of a set of rules, and which condition of them holds at each bar.

    Bars to come are taken to follow each other minute by minute.

    Args:
        rules: positions, costs, limits, swap and funding.
        price: usual price, at which costs in basis points are counted in pips.
        spread: usual spread of the quotes; counts only if they are paid.
        cost_factor: costs of the terms, over those of the rules.

    Attributes:
        terms: account states, and costs, limits and carry by condition.
        phases: bars after which costs repeat.
        leaving: ``f64[S]`` pips that going flat pays in each state, in any condition.
    """

    def __init__(
        self, rules: TradingRules, price: float, spread: float, cost_factor: float
    ) -> None:
        self._rules, states = rules, rules.states
        self._price, self._cost_factor = price, cost_factor
        self.phases = rules.costs.phases
        minute = np.arange(self.phases)
        paid = self._paid(np.full(len(minute), spread), minute)
        # A condition is nights, settlements, stage and phase, the last changing first.
        nights = _NIGHTS if rules.swap.charges else _NIGHTS[:1]
        settlements = np.arange(2 if rules.funding.expected else 1)
        stages = STAGES if rules.limits.by_time else 1
        costs = np.where(rules.allowed[:stages, None], paid, np.inf).reshape(-1, *paid.shape[1:])
        swap = rules.swap.paid_pips(states.exposures, nights[:, None])
        # Pips that a rate of 1 takes from each state over a bar in which funding settles.
        prices = np.full(states.count, price)
        pip = pip_price(prices, rules.pip_size)
        a_settlement = funding_pips(states.exposures, prices, np.ones(states.count), pip)
        funded = settlements[:, None] * a_settlement
        carry = swap[:, None] + funded * rules.funding.fixed_rate
        self.terms = Terms(
            states.exposures,
            states.next_state,
            np.tile(costs, (len(nights) * len(settlements), 1, 1)),
            np.repeat(carry.reshape(-1, states.count), len(costs), axis=0),
        )
        quoted = np.full(1, spread) if rules.costs.quoted else None
        self.leaving = cost_factor * leaving_costs(np.full(1, price), rules, quoted)[0]
        self._funded = np.repeat(np.tile(funded, (len(nights), 1)), len(costs), axis=0)

    @property
    def session_bars(self) -> int:
        """Decisions of a session after which accounts go flat; 0 where no end is known."""
        return self._rules.session_bars

    @property
    def repeats(self) -> bool:
        """Whether conditions are phases of the costs and nothing else, and repeat after them."""
        rules = self._rules
        if self.session_bars:
            return False
        return not (rules.limits.by_time or rules.swap.charges or rules.funding.expected)

    @property
    def follows_clock(self) -> bool:
        """Whether conditions depend on the minute."""
        rules = self._rules
        return self.phases > 1 or rules.limits.follow_clock or self._by_day

    @property
    def follows_settlements(self) -> bool:
        """Whether settlements to come are expected to cost what the moment tells of them."""
        return self._rules.funding.follows_settlements

    @property
    def _by_day(self) -> bool:
        """Whether holding costs something at times of the day."""
        return self._rules.swap.charges or self._rules.funding.expected

    def priced(self, pips: float) -> "Timetable":
        """This timetable where an exposure of 1 pays so many pips for every bar that it is held."""
        priced = copy(self)
        priced.terms = self.terms.priced(pips)
        return priced

    def settling(self, rate: float) -> "Timetable":
        """This timetable, made without settlements, where those to come have that rate."""
        settling = copy(self)
        settling.terms = replace(self.terms, carry=self.terms.carry + rate * self._funded)
        return settling

    def in_force(self, moment: Moment, accounts: int, ahead: int) -> tuple[Terms, I64]:
        """The terms of B accounts, and `conditions` of them that hold now and at coming bars.

        What the moment tells of its own quotes and settlements has conditions of its own: the
        spread is paid now, and is as usual from the next bar on.
        """
        terms, condition = self.terms, self.conditions(moment, accounts, ahead)
        if self.follows_settlements and moment.funding_rate is not None:
            rates, which = np.unique(np.nan_to_num(moment.funding_rate), return_inverse=True)
            condition = condition + len(terms.costs) * which.reshape(-1, 1)
            terms = Terms.together([self.settling(float(rate)).terms for rate in rates])
        if self._rules.costs.quoted and moment.spread is not None:
            quotes = self._at_quotes(terms, condition[:, 0], moment.spread)
            condition[:, 0] = len(terms.costs) + np.arange(accounts)
            terms = Terms.together([terms, quotes])
        return terms, condition

    def _at_quotes(self, terms: Terms, condition: I64, spread: F64) -> Terms:
        """Conditions ``i64[B]`` of `terms` at spreads ``f64[B]``; as usual where one is NaN."""
        usual = terms.costs[condition]
        known = np.isfinite(usual) & ~np.isnan(spread)[:, None, None]
        paid = self._paid(np.nan_to_num(spread), np.zeros(len(spread), np.int64))
        return replace(terms, costs=np.where(known, paid, usual), carry=terms.carry[condition])

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
        Where limits, swap or funding follow a clock, the day behind it matters, too. What a
        position is worth beside another does not depend on later ones: by then it may have been
        closed. Where the end of a session is known, it is the whole of it and nothing behind it.

        Raises:
            ValueError: the end of the session is known, and `bar` is None.
        """
        limits, whole = self._rules.limits, self.session_bars
        known = self.follows_clock and minute is not None
        start = minute - bar if known and minute is not None and bar is not None else None
        if whole:
            if bar is None:
                raise ValueError("an end needs the decisions already made in the session")
            return Stretch(start, 0, whole, 0, ends=True), min(bar, whole)
        ahead = _DAY if limits.follow_clock or self._by_day else 0
        if limits.last_bar is not None and bar is not None and bar < limits.last_bar:
            return Stretch(start, 0, limits.last_bar, ahead), bar
        past = limits.last_bar
        if not known or minute is None:
            return Stretch(None, past, 0, ahead), 0
        return Stretch(minute - minute % _DAY, past, _DAY, ahead), minute % _DAY

    def _conditions(self, shape: tuple[int, ...], minute: I64 | None, bar: I64 | None) -> I64:
        if self.follows_clock and minute is None:
            raise ValueError("rules that follow a clock need the minutes of the decisions")
        condition = np.zeros(shape, np.int64)
        swap, funding = self._rules.swap, self._rules.funding
        if minute is not None and self._by_day:
            opens = minute.ravel() * MINUTE_NS
            if swap.charges:
                nights = swap_nights(opens, opens + MINUTE_NS).reshape(shape)
                condition += np.searchsorted(_NIGHTS, nights)
            if funding.expected and funding.times is not None:
                due = times_passed(funding.times, opens, opens + MINUTE_NS).reshape(shape)
                condition = condition * 2 + due
        if self._rules.limits.by_time:
            condition = condition * STAGES + self._rules.limits.stages(shape, minute, bar)
        if self.phases > 1 and minute is not None:
            condition = condition * self.phases + minute % self.phases
        return condition

    def _paid(self, spread: F64, minute: I64) -> F64:
        """``f64[n, S, A]`` pips that actions pay at spreads and minutes, as the agent counts."""
        prices, quoted = np.full(len(spread), self._price), self._rules.costs.quoted
        paid = fill_costs(prices, self._rules, spread if quoted else None, minute)
        return np.asarray(paid * self._cost_factor)
