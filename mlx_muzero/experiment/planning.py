"""One decision of a run, with its search tree."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from mlx_muzero.evaluation.single_decision import Decision, decide_at
from mlx_muzero.experiment.trained_run import TrainedRun
from mlx_muzero.frames import FrameLibrary, frame_of
from mlx_muzero.market.bars import utc_text
from mlx_muzero.market.observation.outcomes import OUTCOME_NAMES
from mlx_muzero.search.explain import principal_variation


@dataclass(frozen=True, eq=False)
class Plan:
    """What a run's agent considers at one bar, from a flat account.

    Attributes:
        decision: the search's result and tree, as arrays.
        at: open of the bar decided on, UTC.
        symbol: symbol of the bar.
        checkpoint: name of the checkpoint that planned.
        simulations: simulations of the search.
        action_names: names of the A actions.
        outcome_names: names of the C outcomes of the next bar.
    """

    decision: Decision
    at: str
    symbol: str
    checkpoint: str
    simulations: int
    action_names: tuple[str, ...]
    outcome_names: tuple[str, ...] = OUTCOME_NAMES

    @property
    def action(self) -> str:
        """The action chosen."""
        return self.action_names[self._chosen]

    @property
    def value(self) -> float:
        """The root's value, in the reward's unit."""
        return float(self.decision.result.value[0])

    @property
    def visits(self) -> Mapping[str, int]:
        """Visits of each action at the root."""
        counts = self.decision.result.visits[0].tolist()
        return dict(zip(self.action_names, counts, strict=True))

    @property
    def principal_rows(self) -> list[int]:
        """Rows of the tree on its most visited path, below the root."""
        return principal_variation(self.decision.tree, self._chosen)

    @property
    def principal_variation(self) -> tuple[str, ...]:
        """The most visited path: alternating actions and outcomes, starting with the action."""
        return tuple(map(self.name_of, self.principal_rows))

    def name_of(self, row: int) -> str:
        """The action or outcome that leads to a `row` of the tree other than the root's."""
        names = self.action_names if self.decision.tree.kind[row] else self.outcome_names
        return names[self.decision.tree.action_or_outcome[row]]

    def to_frame(self, library: FrameLibrary | None = None) -> Any:
        """The tree, a row for each node, breadth first: `TreeTable`, and the name of its edge.

        Args:
            library: "pandas" or "polars"; None for whichever is installed, pandas first.

        Raises:
            MuZeroError: neither is installed.
        """
        tree = self.decision.tree
        names = ["root", *map(self.name_of, range(1, len(tree.node)))]
        columns = {field.name: getattr(tree, field.name) for field in fields(tree)}
        return frame_of({"name": np.array(names, dtype=object), **columns}, library)

    def as_dict(self) -> dict[str, Any]:
        """The whole tree for JSON, node by node, without fields that do not apply."""
        tree, result = self.decision.tree, self.decision.result
        columns = {field.name: getattr(tree, field.name).tolist() for field in fields(tree)}
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        return {
            "checkpoint": self.checkpoint,
            "symbol": self.symbol,
            "time": self.at,
            "simulations": self.simulations,
            "actions": self.action_names,
            "outcomes": self.outcome_names,
            "action": self.action,
            "visits": result.visits[0].tolist(),
            "policy": result.policy[0].tolist(),
            "value": self.value,
            "principal_variation": self.principal_rows,
            "threshold_pips": self.decision.threshold_pips,
            "unit": self.decision.unit,
            **({} if (quoted := self.decision.spread_pips) is None else {"spread_pips": quoted}),
            "nodes": [{k: v for k, v in row.items() if not _missing(v)} for row in rows],
        }

    @property
    def _chosen(self) -> int:
        return int(self.decision.result.action[0])


def plan_at(run: TrainedRun, open_time_ns: int, simulations: int | None = None) -> Plan:
    """Plan at the close of the bar that opens at `open_time_ns`, knowing nothing after it.

    Args:
        run: loaded with bars of one symbol.
        open_time_ns: open of the bar decided on.
        simulations: simulations of the search; None for the run's.

    Raises:
        DataError: the bar does not exist, or has too few bars before it.
    """
    count = simulations or run.config.search.num_simulations
    decision = decide_at(run.agent(), run.dataset, run.rules, open_time_ns, count)
    return Plan(
        decision,
        utc_text(open_time_ns),
        run.dataset.label,
        run.checkpoint,
        count,
        run.rules.table.action_names,
    )


def _missing(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)
