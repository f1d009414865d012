"""Builds the record of a decision from a finished search, for training and paper trading."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from mlx_muzero.runlog.decision_log import DecisionRecord, bounded_tree, outcomes_by_action


class RootStatistics(Protocol):
    """Root statistics of B searches; see `mlx_muzero.search.result.SearchResult`."""

    @property
    def action(self) -> Any:
        """``i32[B]`` chosen action."""

    @property
    def prior(self) -> Any:
        """``f32[B, A]`` prior used in the search."""

    @property
    def visits(self) -> Any:
        """``i32[B, A]`` visits of each action."""

    @property
    def q(self) -> Any:
        """``f32[B, A]`` mean return of each action."""

    @property
    def value(self) -> Any:
        """``f32[B]`` value after the search."""

    @property
    def raw_value(self) -> Any:
        """``f32[B]`` value given by the network."""


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
    """The record of the decision at `root` of a search, with its `tree`.

    `tree` has the columns of that root's entire tree, as in `mlx_muzero.search.result.TreeTable`;
    the other arguments are recorded as they are.
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
