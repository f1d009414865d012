"""The comparison: every baseline beside the agent, and what is known of the best policy."""

import dataclasses

import numpy as np
import pytest

from mlx_muzero.agent.muzero_agent import MuZeroAgent
from mlx_muzero.evaluation.agent_policies import NetworkPolicy, SearchPolicy
from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.baselines import mean_reversion, momentum
from mlx_muzero.evaluation.comparison import LOOKBACKS_BARS, baselines, compare, plays_by
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.observation.outcomes import OUTCOME_NAMES
from mlx_muzero.market.synthetic.edge_markets import planted_edge
from mlx_muzero.market.synthetic.markets import random_walk
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.training.models import build_model

COST_PIPS = 1.0


@pytest.fixture
def config(small_config):
    return dataclasses.replace(
        small_config,
        trading=dataclasses.replace(small_config.trading, round_trip_cost_pips=COST_PIPS),
    )


@pytest.fixture(scope="module")
def planted():
    return planted_edge(1, 4, round_trip_cost_pips=COST_PIPS, session_bars=12)


def compared(config, bars, truth, sessions=5):
    rules = TradingRules.from_config(config)
    model = build_model(config, rules.table)
    agent = MuZeroAgent(model, config.search, rules.states, len(OUTCOME_NAMES))
    dataset = MarketDataset.from_bars(bars, config.market)
    heard, begun = [], []
    agents = [SearchPolicy(agent, 2, "agent (search)"), NetworkPolicy(agent)]
    result = compare(
        agents,
        dataset,
        rules,
        "test",
        sessions,
        truth,
        heard.append,
        lambda what, total: begun.append((what, total)),
    )
    chosen, fitted, stepped, *played = begun
    assert chosen[0].startswith("choosing lookbacks")
    assert fitted[0].startswith("fitting line, line_dp, fitted_q")
    assert fitted[1] is None, "what nobody counts has no pace"
    assert stepped[0] == "fitting fitted_q: steps"
    assert [total for _, total in played] == [result.conditions.sessions * 12] * len(result.metrics)
    assert sum(heard) == sum(total or 0 for _, total in begun)
    return result


def test_every_policy_plays_the_same_sessions(config, planted):
    result = compared(config, *planted)
    names = list(result.metrics)
    assert names[:2] == ["agent (search)", "raw network"]
    assert {"flat", "buy_and_hold", "random", "perfect_foresight", "best_policy"} <= set(names)
    assert any(name.startswith("momentum_") for name in names)
    assert any(name.startswith("mean_reversion_") for name in names)
    assert min(entry.decisions_per_s for entry in result.entries.values()) > 0
    assert {m.sessions for m in result.metrics.values()} == {5} == {result.conditions.sessions}
    assert result.conditions.round_trip_cost_pips == COST_PIPS


def test_no_policy_beats_perfect_foresight(config, planted):
    metrics = compared(config, *planted, sessions=None).metrics
    best = metrics["perfect_foresight"].net_pips
    assert all(best >= m.net_pips for m in metrics.values())
    assert metrics["flat"].net_pips == 0.0
    assert metrics["perfect_foresight"].net_pips > metrics["best_policy"].net_pips > 0


def test_the_expectation_is_the_truths(config, planted):
    bars, truth = planted
    assert compared(config, bars, truth).expected_best_pips == truth["expected_pips_per_session"]


def test_at_another_cost_the_known_optimum_is_left_out(config, planted):
    bars, truth = planted
    other = dataclasses.replace(
        config, trading=dataclasses.replace(config.trading, round_trip_cost_pips=2.0)
    )
    result = compared(other, bars, truth)
    assert result.expected_best_pips is None
    assert "best_policy" not in result.metrics


def test_on_a_random_walk_nothing_is_expected(config):
    bars, truth = random_walk(1, 4, round_trip_cost_pips=COST_PIPS, session_bars=12)
    result = compared(config, bars, truth)
    assert result.expected_best_pips == 0.0
    assert "best_policy" not in result.metrics


def test_a_market_without_truth_expects_nothing(config, planted):
    result = compared(config, planted[0], None)
    assert result.expected_best_pips is None
    assert "best_policy" not in result.metrics


def test_trend_lookbacks_are_chosen_on_the_validation_split(config, planted):
    rules = TradingRules.from_config(config)
    dataset = MarketDataset.from_bars(planted[0], config.market)
    starts = dataset.evaluation_starts("validation")
    chosen = {policy.name for policy in baselines(dataset, rules).values()}
    for family in (momentum, mean_reversion):
        net = [
            backtest(family(bars), dataset, rules, starts).metrics.net_pips
            for bars in LOOKBACKS_BARS
        ]
        assert family(LOOKBACKS_BARS[int(np.argmax(net))]).name in chosen


def test_truth_holds_for_its_own_rules_only(config, planted):
    bars, truth = planted
    dataset = MarketDataset.from_bars(bars, config.market)
    assert plays_by(truth, dataset, TradingRules.from_config(config))
    assert not plays_by(truth | {"session_bars": 13}, dataset, TradingRules.from_config(config))
