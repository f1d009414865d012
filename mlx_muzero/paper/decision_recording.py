"""Records a minute's decisions with their trees for viewers, after the orders are out."""

from pathlib import Path

from mlx_muzero.market.observation.outcomes import OUTCOME_NAMES
from mlx_muzero.paper.search_outcome import SearchOutcome
from mlx_muzero.runlog import decision_log
from mlx_muzero.runlog.searched_decision import decision_record
from mlx_muzero.trading.positions import ActionTable


def append_decisions(
    folder: Path, table: ActionTable, close_ns: int, outcome: SearchOutcome
) -> None:
    """Append the minute's decisions to `folder`."""
    result = outcome.result
    if result is None:
        return
    for root, pair in enumerate(outcome.pairs):
        record = decision_record(
            result,
            root,
            outcome.trees[root],
            close_ns=close_ns,
            pair=pair,
            episodes=None,
            action_names=table.action_names,
            outcome_names=OUTCOME_NAMES,
            position=table.position_names[outcome.positions[root]],
            threshold_pips=outcome.threshold_pips[root],
            latency_ms=outcome.latency_ms["search"],
        )
        decision_log.append(folder, record)
