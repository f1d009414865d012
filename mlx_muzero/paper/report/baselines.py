"""Plays policies without networks over a session: the same minutes, fills and costs.

They ignore limits and commands, and trade every pair on its own. What such a policy does depends on
the bars and on what it holds by then, so it is asked for both at once, of all minutes; a walk over
whole numbers then tells its fills, and these are booked as arrays. An account that replays the bars
one by one (`recorded_pair.ReplayedPair`) makes the same trades and money to the bit.
"""

from collections.abc import Callable, Mapping

import numpy as np

from mlx_muzero.evaluation.baselines import BUY_AND_HOLD, RandomPolicy, mean_reversion, momentum
from mlx_muzero.evaluation.policy import MomentaryPolicy
from mlx_muzero.paper.report.action_table import action_table
from mlx_muzero.paper.report.booking import book
from mlx_muzero.paper.report.order_times import OrderTimes
from mlx_muzero.paper.report.performance import Performance
from mlx_muzero.paper.report.recorded_pair import RecordedPair
from mlx_muzero.paper.report.session_trades import SessionTrades
from mlx_muzero.paper.report.walk import walk
from mlx_muzero.paper.session_setup import keeps_fx_week
from mlx_muzero.paper.settings import PaperSettings
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import I64, Bool

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
    return {policy.name: play(policy, recorded, close_ns, settings, tick) for policy in policies}


def play(
    policy: MomentaryPolicy,
    recorded: Mapping[str, RecordedPair],
    close_ns: I64,
    settings: PaperSettings,
    tick: Callable[[int], None] = lambda _bars: None,
) -> Performance:
    """Play `policy` over the session; arguments as of `play_baselines`."""
    counts, profit, made = [], np.zeros(len(close_ns)), []
    for number, pair in enumerate(recorded.values()):
        times = OrderTimes.of(pair, close_ns, settings.fills)
        bars = times.bar + pair.history_bars
        actions = action_table(policy, pair.dataset, pair.rules, bars, number)
        walked = walk(actions, times, pair.rules, _sessions_begin(pair))
        booked = book(walked, pair, number, settings)
        profit += np.concatenate([[0.0], booked.profit])[times.marked]
        counts.append(walked.action_counts)
        made.append(booked)
        tick(len(bars))
    trades = SessionTrades.concatenate([booked.trades for booked in made])
    return Performance(
        [booked.traded for booked in made],
        trades.take(np.argsort(trades.still_open, kind="stable")),
        close_ns,
        profit,
        np.sum(counts, axis=0),
        settings.account.notional,
        keeps_fx_week(settings),
    )


def _sessions_begin(recorded: RecordedPair) -> Bool:
    """``bool[N]`` whether entries are counted afresh from the close of each bar on."""
    minute = recorded.session.open_time_ns // MINUTE_NS
    clock = recorded.account().clock
    if clock is None or not len(minute):
        return np.zeros(len(minute), np.bool_)
    session, _ = clock.places(minute, int(minute[0]))
    return np.asarray(np.diff(session, prepend=session[0]) != 0)
