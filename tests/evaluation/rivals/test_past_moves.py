"""Momentum and reversal with hysteresis."""

import dataclasses

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.baselines import momentum
from mlx_muzero.evaluation.rivals.changes import fitting_bars
from mlx_muzero.evaluation.rivals.chosen import ValidationSessions
from mlx_muzero.evaluation.rivals.past_moves import PastMove, fit_past_moves
from mlx_muzero.trading.costs import Costs


@given(count=st.integers(0, 50), lookback=st.integers(1, 30), seed=st.integers(0, 99))
def test_a_past_move_is_the_sum_of_the_last_changes(count, lookback, seed):
    changes = np.random.default_rng(seed).normal(size=count)
    found = PastMove(lookback, -1).expected(changes)
    wanted = [-changes[max(end - lookback + 1, 0) : end + 1].sum() for end in range(count)]
    np.testing.assert_allclose(found, wanted, atol=1e-9)
    assert found[:10].tobytes() == PastMove(lookback, -1).expected(changes[:10]).tobytes()


def test_on_a_market_that_trends_momentum_pays_and_reversal_stays_flat(planted, rules):
    usual = fitting_bars(planted, "train", 1)
    followed, faded = fit_past_moves(ValidationSessions.of(planted, rules), usual)
    starts = planted.evaluation_starts("test")
    earned = backtest(followed, planted, rules, starts).metrics
    always_in = backtest(momentum(5), planted, rules, starts).metrics
    assert (followed.name, faded.name) == ("momentum_hysteresis", "reversal_hysteresis")
    assert earned.net_pips > max(always_in.net_pips, 0.0)
    assert backtest(faded, planted, rules, starts).metrics.trades < earned.trades
    dear = dataclasses.replace(rules, costs=Costs(1000.0))
    for policy in fit_past_moves(ValidationSessions.of(planted, dear), usual):
        assert backtest(policy, planted, dear, starts).metrics.trades == 0
