"""The policies without a network that a comparison of rules plays, each fitted under its rules."""

from mlx_muzero.evaluation.backtest import Backtest, backtest
from mlx_muzero.evaluation.baselines import mean_reversion
from mlx_muzero.evaluation.comparison import baselines
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.trading.rules import TradingRules

LEFT_OUT = ("flat", "random", "buy_and_hold", "perfect_foresight")
"""Baselines that say nothing about fills and their costs."""


def played(dataset: MarketDataset, rules: TradingRules) -> dict[str, Backtest]:
    """Each policy over the test split under `rules`, and a rule that expects each bar to turn."""
    policies = {"last bar turns": mean_reversion(1), **baselines(dataset, rules)}
    starts = dataset.evaluation_starts("test")
    return {
        family: backtest(policy, dataset, rules, starts)
        for family, policy in policies.items()
        if family not in LEFT_OUT
    }
