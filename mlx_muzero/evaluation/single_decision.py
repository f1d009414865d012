"""One decision of the agent at one bar, with its search tree."""

from dataclasses import dataclass

import numpy as np

from mlx_muzero.agent.agent import Agent
from mlx_muzero.agent.moment import moment_of
from mlx_muzero.errors import DataError
from mlx_muzero.market.bars import utc_text
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.observation.frames import minutes_before
from mlx_muzero.market.observation.outcomes import next_threshold
from mlx_muzero.search.result import SearchResult, TreeTable
from mlx_muzero.trading.costs import pip_price
from mlx_muzero.trading.env import SessionEnv
from mlx_muzero.trading.rules import TradingRules


@dataclass(frozen=True, eq=False)
class Decision:
    """What a flat account's agent considered at the close of a bar.

    Attributes:
        result: the search result at its single root.
        tree: the whole tree.
        threshold_pips: change of the next close above which it is UP, below its negative DOWN.
        unit: "pips" or "bps", the unit of `threshold_pips`.
        spread_pips: ask less bid as quoted at the bar's close; None unless fills pay it.
    """

    result: SearchResult
    tree: TreeTable
    threshold_pips: float
    unit: str = "pips"
    spread_pips: float | None = None


def decide_at(
    agent: Agent,
    dataset: MarketDataset,
    rules: TradingRules,
    open_time_ns: int,
    simulations: int,
) -> Decision:
    """Call `decide` at the close of the bar that opens at `open_time_ns`, in a one-pair dataset.

    Raises:
        DataError: the bar does not exist, or too few bars before it for an observation.
    """
    return decide(agent, dataset, rules, _bar_at(dataset, open_time_ns), simulations)


def decide(
    agent: Agent, dataset: MarketDataset, rules: TradingRules, bar: int, simulations: int
) -> Decision:
    """Plan at the close of a bar, knowing nothing after it.

    Args:
        agent: plans the decision.
        dataset: bars of one or more pairs.
        rules: actions and costs of the account.
        bar: index in `dataset`, with an observation.
        simulations: simulations per decision.
    """
    # A session that begins here: limits by its bars count from this one.
    env = SessionEnv(dataset, rules, np.array([bar]))
    result, tree = agent.explain(
        env.observe(), env.account_state, simulations=simulations, moment=moment_of(env)
    )
    threshold = next_threshold(dataset.close[: bar + 1])
    pip = pip_price(dataset.close[[bar]], rules.pip_size)
    quoted = None if env.close_spread is None else float(np.max(env.close_spread[bar] / pip))
    return Decision(result, tree, float(np.max(threshold / pip)), rules.unit, quoted)


def _bar_at(dataset: MarketDataset, open_time_ns: int) -> int:
    times, symbol = dataset.open_time_ns, dataset.label
    bar = int(np.searchsorted(times, open_time_ns))
    if bar == len(times) or times[bar] != open_time_ns:
        around = " and ".join(utc_text(int(t)) for t in times[max(bar - 1, 0) : bar + 1])
        raise DataError(
            f"no bar of {symbol} opens at {utc_text(open_time_ns)} UTC; the nearest: {around}"
        )
    if dataset.seen_from[bar] < 0:
        raise DataError(
            f"{symbol}: {utc_text(open_time_ns)} UTC has {bar:,} bars before it, and an "
            f"observation needs {minutes_before(dataset.config):,}"
        )
    return bar
