"""Differences by day: paired, with the interval of blocks of days."""

import numpy as np
import pytest

from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.baselines import BUY_AND_HOLD, RandomPolicy
from mlx_muzero.evaluation.luck.paired_days import daily, paired
from mlx_muzero.trading.core import TradingRules


def test_what_the_market_did_to_both_cancels_out():
    rng = np.random.default_rng(0)
    market, edge = 100.0 * rng.standard_normal(60), rng.standard_normal(60) + 2.0
    found = paired(market + edge, market)
    assert found.mean == pytest.approx(edge.mean())
    assert found.low > 1.0
    assert found.high < 3.0
    assert (found.days, found.better + found.worse) == (60, 60)
    assert found.worse == (edge < 0).sum()


def test_the_same_results_do_not_differ_and_one_day_has_no_interval():
    same = paired(np.arange(5.0), np.arange(5.0))
    assert (same.mean, same.low, same.high, same.better, same.worse) == (0.0, 0.0, 0.0, 0, 0)
    assert paired(np.ones(1), np.zeros(1)).low is None


def test_days_add_up(small_config, small_dataset):
    rules = TradingRules.from_config(small_config)
    starts = small_dataset.evaluation_starts("train")
    policies = (RandomPolicy(0), BUY_AND_HOLD)
    played = {each.name: backtest(each, small_dataset, rules, starts) for each in policies}
    days, totals = daily(played)
    assert list(days) == sorted(set(days))
    for name, each in played.items():
        assert totals[name].sum() == pytest.approx(each.metrics.net_pips)
