"""Whether a model is shown to earn something by the sessions that chose it."""

import dataclasses

import numpy as np
import pytest

from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.baselines import BUY_AND_HOLD, FLAT_POLICY, RandomPolicy
from mlx_muzero.evaluation.validated import Validated
from mlx_muzero.trading.core import TradingRules


@pytest.fixture
def played(small_config, small_dataset):
    """Plays a policy over the training sessions that do not overlap."""
    rules = TradingRules.from_config(small_config)
    starts = small_dataset.evaluation_starts("train")
    return lambda policy: backtest(policy, small_dataset, rules, starts)


def test_one_play_is_told_as_its_metrics_tell_it(played):
    found = played(RandomPolicy(1))
    told, metrics = Validated.of([found]), found.metrics
    assert (told.sessions, told.trades) == (metrics.sessions, metrics.trades)
    assert told.net == pytest.approx(metrics.net_pips_per_session)
    ends = (metrics.net_pips_low, metrics.net_pips_high)
    np.testing.assert_allclose((told.low, told.high), ends)
    assert not told.earns  # random trades pay their costs
    assert "trades, lost" in told.words("pips")


def test_several_plays_are_one_account_with_a_share_in_each(played):
    plays = [played(RandomPolicy(1)), played(RandomPolicy(2)), played(BUY_AND_HOLD)]
    told = Validated.of(plays)
    nets = [each.metrics.net_pips_per_session for each in plays]
    assert told.net == pytest.approx(np.mean(nets))
    apart = Validated.of(plays[:1])
    assert told.high - told.low < apart.high - apart.low


def test_what_makes_no_trade_earns_nothing_and_says_so(played):
    told = Validated.of([played(FLAT_POLICY)])
    assert not told.earns
    assert told.words("pips", "day") == f"it made no trade in {told.sessions} days"


@pytest.mark.parametrize(
    ("ends", "earns", "call"),
    [
        ((0.1, 2.0), True, "above nothing"),
        ((-0.1, 2.0), False, "not above nothing"),
        ((0.0, 2.0), False, "not above nothing"),
        ((-2.0, -0.1), False, "lost"),
        ((None, None), False, "not above nothing"),
    ],
)
def test_the_whole_interval_has_to_lie_above_nothing(ends, earns, call):
    told = dataclasses.replace(Validated(10, 1.0, None, None, 5), low=ends[0], high=ends[1])
    assert told.earns is earns
    assert told.words("bps").endswith(f"trades, {call}")
