"""When which costs are in force: the trading rules as conditions of a search's terms."""

from copy import copy

import numpy as np

from mlx_muzero.agent.moment import Moment
from mlx_muzero.search.terms import Terms
from mlx_muzero.trading.gains import fill_costs
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.types import I64


class Timetable:
    """The terms of a set of rules, and which condition of them holds at each bar.

    Args:
        rules: positions and costs.
        price: usual price, at which costs in basis points are counted in pips.
        spread: usual spread of the quotes; counts only if they are paid.
        cost_factor: costs of the terms, over those of the rules.

    Attributes:
        terms: positions, and costs by condition.
        phases: bars after which conditions repeat.
    """

    def __init__(
        self, rules: TradingRules, price: float, spread: float, cost_factor: float
    ) -> None:
        self.phases = rules.costs.phases
        minute = np.arange(self.phases)
        prices, spreads = (np.full(len(minute), usual) for usual in (price, spread))
        costs = fill_costs(prices, rules, spreads if rules.costs.quoted else None, minute)
        states = rules.states
        self.terms = Terms.free_to_hold(states.exposures, states.next_state, cost_factor * costs)

    def priced(self, pips: float) -> "Timetable":
        """This timetable where an exposure of 1 pays so many pips for every bar that it is held."""
        priced = copy(self)
        priced.terms = self.terms.priced(pips)
        return priced

    def conditions(self, moment: Moment, accounts: int, ahead: int) -> I64:
        """``i64[B, ahead + 1]`` condition of the decisions of B accounts now and at coming bars.

        Raises:
            ValueError: the rules follow a clock, and `moment` does not tell the minute.
        """
        if self.phases == 1:
            return np.zeros((accounts, ahead + 1), np.int64)
        if moment.minute is None:
            raise ValueError("costs that follow a clock need the minutes of the decisions")
        return np.asarray((moment.minute[:, None] + np.arange(ahead + 1)) % self.phases)
