"""Labels to learn from: the actions of perfect foresight after costs, and their value."""

from dataclasses import dataclass

import numpy as np

from mlx_muzero.evaluation.baselines import PerfectForesight
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.trading.env import SessionEnv
from mlx_muzero.types import F32, I32, I64


@dataclass(frozen=True, eq=False)
class LabeledBars:
    """n decisions made in hindsight.

    Attributes:
        bar: ``i64[n]`` bar of each decision.
        action: ``i32[n, S]`` best action in each account state.
        weight: ``f32[n, S]`` pips lost by the worst legal action, divided by their mean.
    """

    bar: I64
    action: I32
    weight: F32


def label(dataset: MarketDataset, rules: TradingRules, starts: I64) -> LabeledBars:
    """Label every account state at every bar of the sessions at `starts` with perfect foresight."""
    foresight = PerfectForesight()
    foresight.reset(SessionEnv(dataset, rules, starts))
    worth = foresight.worth_pips
    best = worth.max(axis=3)
    worst = np.where(rules.states.legal, worth, np.inf).min(axis=3)
    lost = (best - worst).reshape(-1, worth.shape[2])
    return LabeledBars(
        bar=(starts + np.arange(len(worth))[:, None]).reshape(-1),
        action=worth.argmax(axis=3).reshape(lost.shape).astype(np.int32),
        weight=(lost / max(lost.mean(), np.finfo(np.float32).tiny)).astype(np.float32),
    )
