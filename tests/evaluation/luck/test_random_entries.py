"""Random entries of the same exposure: drift counts for nothing, and timing is found."""

import numpy as np
import pytest

from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.baselines import BUY_AND_HOLD, PerfectForesight, RandomPolicy
from mlx_muzero.evaluation.luck.random_entries import entries_p, positions
from mlx_muzero.trading.core import TradingRules


def test_holding_all_the_time_in_a_rising_market_is_no_timing():
    moved = np.random.default_rng(0).standard_normal(500) + 1.0
    assert entries_p({"A": (np.ones(500), moved)}) == 1.0


def test_knowing_the_next_bar_is():
    moved = np.random.default_rng(1).standard_normal(500)
    assert entries_p({"A": (np.sign(moved), moved)}) == pytest.approx(1 / 500)


def test_all_pairs_move_together():
    """Two pairs of one market: what one knows by luck, the other does too."""
    rng = np.random.default_rng(2)
    moved, held = rng.standard_normal(400), np.sign(rng.standard_normal(400).cumsum())
    one = entries_p({"A": (held, moved)})
    assert entries_p({"A": (held, moved), "B": (held, moved)}) == one
    assert entries_p({"A": (held, moved), "B": (held[:100], moved[:100])}) is not None


def test_chance_passes_once_in_twenty():
    rng = np.random.default_rng(3)
    found = []
    for _ in range(300):
        held = np.sign(rng.standard_normal(300).cumsum())
        found.append(entries_p({"A": (held, rng.standard_normal(300))}))
    assert np.mean(np.array(found) <= 0.05) == pytest.approx(0.05, abs=0.04)


def test_nothing_held_has_no_entries():
    assert entries_p({"A": (np.zeros(10), np.ones(10))}) is None


@pytest.mark.parametrize("policy", [BUY_AND_HOLD, RandomPolicy(0), PerfectForesight()])
def test_positions_earn_what_the_trades_did(policy, small_dataset, small_config):
    rules = TradingRules.from_config(small_config)
    starts = small_dataset.evaluation_starts("test")
    played = backtest(policy, small_dataset, rules, starts)
    held, moved = zip(*positions(played, small_dataset, rules, starts).values(), strict=True)
    earned = sum(float(one @ other) for one, other in zip(held, moved, strict=True))
    assert earned == pytest.approx(played.metrics.gross_pips)
