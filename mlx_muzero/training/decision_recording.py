"""Records a few decisions of every validation, with their trees, for viewers."""

import time
from dataclasses import fields
from pathlib import Path

from mlx_muzero.agent.agent import Agent
from mlx_muzero.evaluation.single_decision import decide
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.observation.outcomes import OUTCOME_NAMES
from mlx_muzero.market.sessions import spread_evenly
from mlx_muzero.runlog import decision_log
from mlx_muzero.runlog.searched_decision import decision_record
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.trading.positions import FLAT
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.types import I64

DECISIONS_PER_VALIDATION = 4


def record_decisions(
    folder: Path,
    agent: Agent,
    dataset: MarketDataset,
    rules: TradingRules,
    starts: I64,
    simulations: int,
    episodes: int,
) -> None:
    """Append the decisions of flat accounts at some of the session `starts` to `folder`."""
    table = rules.table
    for start in spread_evenly(starts, DECISIONS_PER_VALIDATION):
        began = time.perf_counter()
        decision = decide(agent, dataset, rules, int(start), simulations)
        latency_ms = 1e3 * (time.perf_counter() - began)
        tree = decision.tree
        record = decision_record(
            decision.result,
            0,
            {field.name: getattr(tree, field.name) for field in fields(tree)},
            close_ns=int(dataset.open_time_ns[start]) + MINUTE_NS,
            pair=dataset.config.pairs[dataset.pair[start]],
            episodes=episodes,
            action_names=table.action_names,
            outcome_names=OUTCOME_NAMES,
            position=table.position_names[FLAT],
            threshold_pips=decision.threshold_pips,
            latency_ms=latency_ms,
        )
        decision_log.append(folder, record)
