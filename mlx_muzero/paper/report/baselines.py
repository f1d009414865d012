"""Plays policies without networks over a session: the same minutes, fills and costs.

They ignore limits and commands, and trade every pair on its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from mlx_muzero.evaluation.baselines import BUY_AND_HOLD, RandomPolicy, mean_reversion, momentum
from mlx_muzero.evaluation.policy import Policy
from mlx_muzero.paper.fills import Order
from mlx_muzero.paper.report.performance import Performance
from mlx_muzero.paper.report.recorded_pair import RecordedPair, ReplayedPair
from mlx_muzero.paper.report.session_trades import TradedPair, trades_of
from mlx_muzero.paper.session_setup import keeps_fx_week
from mlx_muzero.paper.settings import PaperSettings
from mlx_muzero.trading.account_states import AccountStates
from mlx_muzero.trading.limits import FREE
from mlx_muzero.trading.positions import ActionTable
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.types import F32, F64, I32, I64, U64

LOOKBACK_BARS = 60
"""Lookback of momentum and mean reversion; nothing is fitted to the session."""


def play_baselines(
    recorded: Mapping[str, RecordedPair],
    close_ns: I64,
    settings: PaperSettings,
    tick: Callable[[int], None] = lambda _bars: None,
) -> dict[str, Performance]:
    """Play buy and hold, random, momentum and mean reversion over the session.

    Args:
        recorded: the session's pairs.
        close_ns: ``i64[M]``, end of every marked minute; a policy may decide at each.
        settings: the session's settings.
        tick: called with the number of bars played.
    """
    policies = (
        BUY_AND_HOLD,
        RandomPolicy(settings.session.seed),
        momentum(LOOKBACK_BARS),
        mean_reversion(LOOKBACK_BARS),
    )
    return {policy.name: _play(policy, recorded, close_ns, settings, tick) for policy in policies}


def _play(
    policy: Policy,
    recorded: Mapping[str, RecordedPair],
    close_ns: I64,
    settings: PaperSettings,
    tick: Callable[[int], None],
) -> Performance:
    views = [_PairView(ReplayedPair(pair), number) for number, pair in enumerate(recorded.values())]
    counts = np.zeros(len(views[0].table.action_names), np.int64)
    profit = np.zeros(len(close_ns))
    for minute, end_ns in enumerate(close_ns.tolist()):
        for view in views:
            if view.pair.advance(end_ns):
                action = int(policy.act(view)[0])
                counts[action] += 1
                view.send(action, end_ns)
                tick(1)
            profit[minute] += view.pair.account.profit
    for view in views:
        view.pair.advance(None)
    accounts = [view.pair.account for view in views]
    return Performance(
        [TradedPair.of(account) for account in accounts],
        trades_of([trade for view in views for trade in view.pair.trades], accounts),
        close_ns,
        profit,
        counts,
        settings.account.notional,
        keeps_fx_week(settings),
    )


@dataclass
class _PairView:
    """Presents one pair to policies as a batch of sessions; `B` is 1."""

    pair: ReplayedPair
    number: int
    step_index: int = 0

    @property
    def bar(self) -> I64:
        return np.array([self.pair.row])

    @property
    def close(self) -> F64:
        return self.pair.recorded.dataset.close

    @property
    def fill_price(self) -> F64:
        raise NotImplementedError("no policy here knows at what price it is filled")

    @property
    def fill_spread(self) -> F64 | None:
        raise NotImplementedError("no policy here knows at what price it is filled")

    @property
    def close_spread(self) -> F64 | None:
        raise NotImplementedError("no policy here looks at quotes")

    @property
    def swap_nights(self) -> I64 | None:
        raise NotImplementedError("no policy here looks at swap")

    @property
    def funding_rate(self) -> F64:
        return self.rules.funding.rates(self.pair.recorded.dataset)

    @property
    def expected_rate(self) -> F64 | None:
        raise NotImplementedError("no policy here plans with settlements")

    @property
    def open_time_ns(self) -> I64:
        return self.pair.recorded.dataset.open_time_ns

    @property
    def position(self) -> I32:
        return self.pair.account.core.position

    @property
    def account_state(self) -> I32:
        return self.pair.account.core.account_state

    @property
    def rules(self) -> TradingRules:
        return self.pair.account.core.rules

    @property
    def table(self) -> ActionTable:
        return self.rules.table

    @property
    def states(self) -> AccountStates:
        return self.rules.states

    @property
    def stage(self) -> I64:
        return np.array([FREE])  # limits are the session's, and these are played without

    @property
    def session_bars(self) -> int:
        return len(self.pair.recorded) - self.pair.recorded.history_bars

    @property
    def episode(self) -> U64:
        return np.array([self.number], np.uint64)

    def observe(self) -> F32:
        raise NotImplementedError("no policy here looks at an observation")

    def send(self, action: int, close_ns: int) -> None:
        """Order what `action` leads to at a minute's close, unless an order is pending."""
        self.step_index += 1
        account, table = self.pair.account, self.table
        target = float(table.exposures[table.next_position[account.position, action]])
        if account.order is None and target != account.exposure:
            account.order = Order(
                self.step_index, account.pair, close_ns, close_ns, action, account.exposure, target
            )
