"""A few decisions of every validation, kept with their trees for watchers to look into."""

import time
from dataclasses import fields
from pathlib import Path

from mlx_muzero.agent.agent import Agent
from mlx_muzero.evaluation.single_decision import decide
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.observation.outcomes import OUTCOME_NAMES
from mlx_muzero.market.sessions import spread_evenly
from mlx_muzero.runlog import decision_log
from mlx_muzero.runlog.decision_log import DecisionRecord
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
    """Append what flat accounts decide at some of the `starts` of sessions to `folder`."""
    table = rules.table
    for start in spread_evenly(starts, DECISIONS_PER_VALIDATION):
        began = time.perf_counter()
        decision = decide(agent, dataset, rules, int(start), simulations)
        latency_ms = 1e3 * (time.perf_counter() - began)
        result, tree = decision.result, decision.tree
        columns = {field.name: getattr(tree, field.name) for field in fields(tree)}
        actions, outcomes = len(table.action_names), len(OUTCOME_NAMES)
        decision_log.append(
            folder,
            DecisionRecord(
                close_ns=int(dataset.open_time_ns[start]) + MINUTE_NS,
                pair=dataset.config.pairs[dataset.pair[start]],
                action=int(result.action[0]),
                episodes=episodes,
                action_names=list(table.action_names),
                outcome_names=list(OUTCOME_NAMES),
                position=table.position_names[FLAT],
                prior=result.prior[0].tolist(),
                visits=result.visits[0].tolist(),
                q=result.q[0].tolist(),
                value=float(result.value[0]),
                network_value=float(result.raw_value[0]),
                outcomes=decision_log.outcomes_by_action(columns, actions, outcomes),
                threshold_pips=decision.threshold_pips,
                latency_ms=latency_ms,
                tree=decision_log.bounded_tree(columns),
            ),
        )
