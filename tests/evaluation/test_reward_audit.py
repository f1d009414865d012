"""The reward audit ranks what schemes pay beside net pips and says where they go wrong."""

import json
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from mlx_muzero.config.choices import RewardScheme
from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.rank_correlation import ranks, spearman
from mlx_muzero.evaluation.reward_audit import Earned, audit_reward, audited_policies, judge
from mlx_muzero.trading.core import TradingRules

DISCOUNT = 0.9


@pytest.fixture
def audit(small_config, small_dataset):
    starts = small_dataset.evaluation_starts("train", 10)
    return audit_reward(small_dataset, TradingRules.from_config(small_config), starts, DISCOUNT)


def test_every_scheme_of_the_configuration_is_audited(audit):
    assert set(audit.schemes) == set(get_args(RewardScheme))
    for earned in audit.policies.values():
        assert set(earned.reward) == set(audit.schemes)


def test_mark_to_market_pays_net_pips_and_nothing_else(audit):
    for earned in audit.policies.values():
        assert earned.reward["mark_to_market"] == pytest.approx(earned.net_pips, abs=1e-3)
    judged = audit.schemes["mark_to_market"]
    assert judged.rank_correlation == pytest.approx(1.0)
    assert judged.degenerate == ()


def test_amddp1_pays_for_being_in_the_market(audit):
    judged = audit.schemes["amddp1"]
    assert judged.rank_correlation < 0.9
    assert "It pays for losing" in " ".join(judged.degenerate)
    assert "buy_and_hold" in " ".join(judged.degenerate)


def test_what_only_foresight_can_earn_is_no_degenerate_optimum():
    policies = {
        "flat": Earned(0.0, {"s": 0.0}, {"s": (0.0, 0.0)}),
        "buy_and_hold": Earned(-4.0, {"s": -1.0}, {"s": (-9.0, 2.0)}),
        "perfect_foresight": Earned(50.0, {"s": -2.0}, {"s": (-3.0, 1.0)}),
    }
    judged = judge(policies, "s")
    assert judged.degenerate == ()
    assert judged.returns == (-9.0, 2.0)
    policies["buy_and_hold"] = Earned(-4.0, {"s": 3.0}, {"s": (-9.0, 2.0)})
    most, losing = judge(policies, "s").degenerate
    assert "an agent learns to be buy_and_hold" in most
    assert "staying flat (+0 a session)" in losing


def test_equal_values_share_a_rank():
    np.testing.assert_array_equal(ranks(np.array([3.0, 1.0, 3.0, 7.0])), [1.5, 0.0, 1.5, 3.0])


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ([1, 2, 3, 4], [10, 20, 25, 90], 1.0),
        ([1, 2, 3, 4], [4, 3, 2, 1], -1.0),
        ([1, 2, 3, 4, 5], [5, 6, 7, 8, 7], 0.8207826816681233),  # scipy.stats.spearmanr
        ([1, 1, 1], [1, 2, 3], None),
    ],
)
def test_spearmans_correlation(one, other, expected):
    found = spearman(np.array(one, np.float64), np.array(other, np.float64))
    assert found == (None if expected is None else pytest.approx(expected))


@pytest.mark.slow
def test_the_verb_prints_tables_and_words(cli, config_file, db):
    arguments = ("audit-reward", "--config", config_file, "--db", db, "--sessions", "6")
    code, out, err = cli(*arguments)
    assert code == 0, err
    assert "amddp1: rank correlation with net pips" in out
    assert "perfect_foresight" in out
    code, out, err = cli(*arguments, "--json")
    assert code == 0, err
    found = json.loads(out)
    assert found["sessions"] == 6
    low, high = found["schemes"]["mark_to_market"]["returns"]
    code, out, err = cli(*arguments, *support(low - 1, high + 1))
    assert f"from {low:+.3g} to {high:+.3g}: within the value support" in out
    code, out, err = cli(*arguments, *support(low / 2, high / 2))
    assert "widen it with model.value_min and model.value_max" in " ".join(out.split())


def support(low, high):
    return ("--set", f"model.value_min={low}", "--set", f"model.value_max={high}")


def test_returns_are_of_every_step_of_every_policy(audit, small_config, small_dataset):
    starts = small_dataset.evaluation_starts("train", 10)
    rules = replace(TradingRules.from_config(small_config), reward="mark_to_market")
    low, high = 0.0, 0.0
    for policy in audited_policies():
        for session in backtest(policy, small_dataset, rules, starts).equity_pips:
            rewards = np.diff(session, prepend=0.0)
            for step in range(len(rewards)):
                discounts = DISCOUNT ** np.arange(len(rewards) - step)
                found = float((rewards[step:] * discounts).sum())
                low, high = min(low, found), max(high, found)
    assert audit.schemes["mark_to_market"].returns == pytest.approx((low, high), abs=1e-2)
