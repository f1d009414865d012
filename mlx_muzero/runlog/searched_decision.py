"""From a finished search to the record of one decision; of training and of paper trading alike."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from mlx_muzero.runlog.decision_log import DecisionRecord, bounded_tree, outcomes_by_action


class RootStatistics(Protocol):
    """Of B searches; a `mlx_muzero.search.result.SearchResult`, which says what each is."""

    @property
    def action(self) -> Any:
        """``i32[B]``, chosen."""

    @property
    def prior(self) -> Any:
        """``f32[B, A]``, as searched."""

    @property
    def visits(self) -> Any:
        """``i32[B, A]``."""

    @property
    def q(self) -> Any:
        """``f32[B, A]``, mean returns."""

    @property
    def value(self) -> Any:
        """``f32[B]``, after the search."""

    @property
    def raw_value(self) -> Any:
        """``f32[B]``, the network's."""


def decision_record(
    result: RootStatistics,
    root: int,
    tree: Mapping[str, Sequence[Any]],
    *,
    close_ns: int,
    pair: str,
    episodes: int | None,
    action_names: Sequence[str],
    outcome_names: Sequence[str],
    position: str,
    threshold_pips: float,
    latency_ms: float,
) -> DecisionRecord:
    """The decision at `root` of a search with `result`, and the `tree` behind it.

    `tree` has the columns of that root's whole tree, those of `mlx_muzero.search.result.TreeTable`;
    the rest goes into the record as it is.
    """
    return DecisionRecord(
        close_ns=close_ns,
        pair=pair,
        action=int(result.action[root]),
        episodes=episodes,
        action_names=list(action_names),
        outcome_names=list(outcome_names),
        position=position,
        prior=result.prior[root].tolist(),
        visits=result.visits[root].tolist(),
        q=result.q[root].tolist(),
        value=float(result.value[root]),
        network_value=float(result.raw_value[root]),
        outcomes=outcomes_by_action(tree, len(action_names), len(outcome_names)),
        threshold_pips=threshold_pips,
        latency_ms=latency_ms,
        tree=bounded_tree(tree),
    )
