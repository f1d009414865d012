"""One decision of a run, and the tree behind it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from mlx_muzero.api.running import as_run
from mlx_muzero.errors import ConfigError
from mlx_muzero.evaluation.single_decision import Decision, decide_at
from mlx_muzero.experiment.trained_run import TrainedRun
from mlx_muzero.frames import FrameLibrary, frame_of
from mlx_muzero.market.bars import utc_ns, utc_text
from mlx_muzero.market.observation.outcomes import OUTCOME_NAMES
from mlx_muzero.search.explain import principal_variation
from mlx_muzero.symbols.symbol import Symbol


@dataclass(frozen=True, eq=False)
class Plan:
    """What a run's agent considers at one bar, from a flat account.

    Attributes:
        decision: the search's result and tree, as arrays.
        at: open of the bar decided on, UTC.
        action_names: what the A actions are called.
        outcome_names: what the C outcomes of the next bar are called.
    """

    decision: Decision
    at: str
    action_names: tuple[str, ...]
    outcome_names: tuple[str, ...] = OUTCOME_NAMES

    @property
    def action(self) -> str:
        """The action chosen."""
        return self.action_names[int(self.decision.result.action[0])]

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
    def principal_variation(self) -> tuple[str, ...]:
        """The most visited path: actions and outcomes in turn, beginning with the action."""
        tree, action = self.decision.tree, int(self.decision.result.action[0])
        return tuple(self._name(row) for row in principal_variation(tree, action))

    def to_frame(self, library: FrameLibrary | None = None) -> Any:
        """The tree, a row for each node, breadth first: `TreeTable`, and the name of its edge.

        Args:
            library: "pandas" or "polars"; None for whichever is installed, pandas first.

        Raises:
            MuZeroError: neither is.
        """
        tree = self.decision.tree
        names = ["root", *(self._name(row) for row in range(1, len(tree.node)))]
        columns = {field.name: getattr(tree, field.name) for field in fields(tree)}
        return frame_of({"name": np.array(names, dtype=object), **columns}, library)

    def _name(self, row: int) -> str:
        names = self.action_names if self.decision.tree.kind[row] else self.outcome_names
        return names[self.decision.tree.action_or_outcome[row]]


def plan(
    run: TrainedRun | str | Path,
    at: str,
    *,
    symbol: str | None = None,
    simulations: int | None = None,
) -> Plan:
    """Plan at the close of one bar, knowing nothing after it, and keep the tree.

    Args:
        run: that `load_run` gave, or its folder.
        at: open of the bar decided on, UTC, as 2018-03-05T14:30.
        symbol: whose bar; None for that of the run, which then must have one.
        simulations: of the search; None for the run's.

    Raises:
        ConfigError: `at` is no time, or several symbols could be meant.
        DataError: no such bar, or too few before it.
    """
    try:
        open_time_ns = utc_ns(at)
    except ValueError as error:
        raise ConfigError(f"at: {error}") from error
    loaded = as_run(run, symbol)
    if symbol is not None and Symbol(symbol) not in loaded.dataset.symbols:
        raise ConfigError(f"the run was loaded with bars of {loaded.dataset.label} only")
    if len(loaded.dataset.symbols) > 1:
        raise ConfigError(
            f"the run has several symbols: load it with one of {loaded.dataset.label}, as in "
            "load_run(..., symbol=...)"
        )
    count = simulations or loaded.config.search.num_simulations
    decision = decide_at(loaded.agent(), loaded.dataset, loaded.rules, open_time_ns, count)
    return Plan(decision, utc_text(open_time_ns), loaded.rules.table.action_names)
