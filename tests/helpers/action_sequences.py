"""What the best of all action sequences earns, found by playing every one."""

import itertools

import numpy as np

from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.trading.env import SessionEnv
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.types import F64, I64


def best_of_all_sequences(market: MarketDataset, rules: TradingRules, starts: I64) -> F64:
    """``f64[n]`` pips that the best sequence earns in each session that begins at `starts`."""
    best = np.full(len(starts), -np.inf)
    actions_of_one = range(len(rules.table.action_names))
    for actions in itertools.product(actions_of_one, repeat=market.config.session_bars):
        env = SessionEnv(market, rules, starts)
        for action in actions:
            env.step(np.full(len(starts), action, np.int32))
        best = np.maximum(best, env.core.equity_pips)
    return best
