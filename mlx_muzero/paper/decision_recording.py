"""The decisions of a minute with the trees behind them, for watchers; after the orders are out."""

from pathlib import Path

from mlx_muzero.market.observation.outcomes import OUTCOME_NAMES
from mlx_muzero.paper.search_outcome import SearchOutcome
from mlx_muzero.runlog import decision_log
from mlx_muzero.runlog.decision_log import DecisionRecord
from mlx_muzero.trading.positions import ActionTable


def append_decisions(
    folder: Path, table: ActionTable, close_ns: int, outcome: SearchOutcome
) -> None:
    """Append the minute's decisions to `folder`."""
    result = outcome.result
    if result is None:
        return
    for root, pair in enumerate(outcome.pairs):
        columns = outcome.trees[root]
        decision_log.append(
            folder,
            DecisionRecord(
                close_ns=close_ns,
                pair=pair,
                action=int(result.action[root]),
                episodes=None,
                action_names=list(table.action_names),
                outcome_names=list(OUTCOME_NAMES),
                position=table.position_names[outcome.positions[root]],
                prior=result.prior[root].tolist(),
                visits=result.visits[root].tolist(),
                q=result.q[root].tolist(),
                value=float(result.value[root]),
                network_value=float(result.raw_value[root]),
                outcomes=decision_log.outcomes_by_action(
                    columns, len(table.action_names), len(OUTCOME_NAMES)
                ),
                threshold_pips=outcome.threshold_pips[root],
                latency_ms=outcome.latency_ms["search"],
                tree=decision_log.bounded_tree(columns),
            ),
        )
