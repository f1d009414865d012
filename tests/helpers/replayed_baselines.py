"""Plays a policy over recorded pairs bar by bar, by the accounts of a session: slow and plain."""

from dataclasses import dataclass

import numpy as np

from mlx_muzero.paper.fills import Order
from mlx_muzero.paper.report.performance import Performance
from mlx_muzero.paper.report.recorded_pair import ReplayedPair
from mlx_muzero.paper.report.session_trades import TradedPair, trades_of
from mlx_muzero.paper.session_setup import keeps_fx_week


def replayed(policy, recorded, close_ns, settings):
    """What `policy` trades, asked at every minute about what it holds by then."""
    views = [_PairView(ReplayedPair(pair), number) for number, pair in enumerate(recorded.values())]
    counts = np.zeros(len(views[0].table.action_names), np.int64)
    profit = np.zeros(len(close_ns))
    for minute, end_ns in enumerate(close_ns.tolist()):
        for view in views:
            if view.pair.advance(end_ns):
                action = int(policy.act(view)[0])
                counts[action] += 1
                view.send(action, end_ns)
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
    """One pair as a batch of one decision."""

    pair: ReplayedPair
    number: int
    step_index: int = 0

    @property
    def bar(self):
        return np.array([self.pair.row])

    @property
    def close(self):
        return self.pair.recorded.dataset.close

    @property
    def position(self):
        return self.pair.account.core.position

    @property
    def account_state(self):
        return self.pair.account.core.account_state

    @property
    def table(self):
        return self.pair.account.core.rules.table

    @property
    def states(self):
        return self.pair.account.core.rules.states

    @property
    def episode(self):
        return np.array([self.number], np.uint64)

    def send(self, action, close_ns):
        """Order what `action` leads to at a minute's close, unless an order is pending."""
        self.step_index += 1
        account, table = self.pair.account, self.table
        target = float(table.exposures[table.next_position[account.position, action]])
        if account.order is None and target != account.exposure:
            account.order = Order(
                self.step_index, account.pair, close_ns, close_ns, action, account.exposure, target
            )
