"""The trained agent beside everything it has to beat, on the same sessions at the same costs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlx_muzero.agent import Agent
from mlx_muzero.evaluation.agent_policies import NetworkPolicy, SearchPolicy
from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.baselines import (
    BUY_AND_HOLD,
    FLAT_POLICY,
    BestPolicy,
    PerfectForesight,
    RandomPolicy,
    Trend,
    mean_reversion,
    momentum,
)
from mlx_muzero.evaluation.metrics import Metrics
from mlx_muzero.evaluation.policy import Policy
from mlx_muzero.evaluation.report import Conditions
from mlx_muzero.market.bars import utc_text
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.planted_optimum import from_truth
from mlx_muzero.market.sessions import Split
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.trading.costs import Costs
from mlx_muzero.types import I64

LOOKBACKS_BARS = (5, 15, 30, 60, 120)
"""Lookbacks a trend baseline may take; the best one on the validation split is played."""

Tick = Callable[[int], None]


@dataclass(frozen=True)
class Comparison:
    """Policies side by side.

    Attributes:
        conditions: what they were measured on.
        metrics: by policy name, the agent first.
        expected_best_pips: expected net pips per session of the best policy, where it is known.
    """

    conditions: Conditions
    metrics: dict[str, Metrics]
    expected_best_pips: float | None


def compare(
    trained: Agent,
    untrained: Agent,
    simulations: int,
    dataset: MarketDataset,
    rules: TradingRules,
    split: Split,
    sessions: int | None,
    truth: dict[str, Any] | None,
    tick: Tick = lambda _decisions: None,
) -> Comparison:
    """Play the agents and the baselines over the sessions of `split`.

    Args:
        trained: the agent to judge.
        untrained: the same networks with their first weights.
        simulations: of each decision with search.
        dataset: the market.
        rules: actions and costs.
        split: which part of the data.
        sessions: at most so many sessions, spread evenly over the split; None for all.
        truth: of a synthetic market.
        tick: hears of every B decisions.
    """
    starts = dataset.evaluation_starts(split, sessions)
    policies: list[Policy] = [
        SearchPolicy(trained, simulations, "agent (search)"),
        NetworkPolicy(trained, "agent (raw network)"),
        SearchPolicy(untrained, simulations, "untrained (search)"),
        *baselines(dataset, rules),
    ]
    expected = None
    # The stored optimum holds for its own rules only.
    if truth is not None and plays_by(truth, dataset, rules):
        expected = float(truth["expected_pips_per_session"])
        if truth["kind"] == "planted_edge":
            policies.append(BestPolicy(from_truth(truth)))
    metrics = {
        policy.name: backtest(policy, dataset, rules, starts, tick).metrics for policy in policies
    }
    return Comparison(_conditions(dataset, rules, split, starts), metrics, expected)


def baselines(dataset: MarketDataset, rules: TradingRules) -> list[Policy]:
    """The policies without a network, trend lookbacks chosen on the validation split."""
    return [
        FLAT_POLICY,
        BUY_AND_HOLD,
        RandomPolicy(seed=0),
        _best_trend([momentum(bars) for bars in LOOKBACKS_BARS], dataset, rules),
        _best_trend([mean_reversion(bars) for bars in LOOKBACKS_BARS], dataset, rules),
        PerfectForesight(),
    ]


def _best_trend(candidates: list[Trend], dataset: MarketDataset, rules: TradingRules) -> Trend:
    starts = dataset.evaluation_starts("validation")
    net_pips = [
        backtest(candidate, dataset, rules, starts).metrics.net_pips for candidate in candidates
    ]
    return candidates[int(np.argmax(net_pips))]


def plays_by(truth: dict[str, Any], dataset: MarketDataset, rules: TradingRules) -> bool:
    """Whether a synthetic market's truth was computed for these sessions and costs."""
    costs = Costs(round_trip_pips=truth["round_trip_cost_pips"])
    wanted = (truth["session_bars"], costs, truth["parameters"]["pip_size"])
    return wanted == (dataset.config.session_bars, rules.costs, rules.pip_size)


def _conditions(
    dataset: MarketDataset, rules: TradingRules, split: Split, starts: I64
) -> Conditions:
    first = dataset.open_time_ns[starts].min()
    last = dataset.open_time_ns[starts + dataset.config.session_bars].max()
    return Conditions(
        data=dataset.label,
        split=split,
        sessions=len(starts),
        available_sessions=len(dataset.evaluation_starts(split)),
        session_bars=dataset.config.session_bars,
        round_trip_cost_pips=rules.costs.round_trip_pips,
        first=utc_text(int(first)),
        last=utc_text(int(last)),
        fill_cost_bps=rules.costs.fill_bps,
        unit=rules.unit,
    )
