"""Whether loaded programs do what the MLX model does: one search step, and one below it.

Core ML can load a model, run it and be wrong: a batch that collapses to one row, a layout taken for
another, weights that are not these. Steps are compared as the search sees them; the second one
stands on the latents of the first.
"""

from dataclasses import asdict
from typing import Any

import mlx.core as mx
import numpy as np

from mlx_muzero.config import Expansion
from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.search.evaluator import Evaluator, Leaves, SingleLeaves
from mlx_muzero.search.mlx_evaluator import MlxEvaluator
from mlx_muzero.types import F32

PROBABILITY_TOLERANCE = 0.05
"""Largest error of an outcome's or action's probability."""

REWARD_TOLERANCE = 0.05
"""Largest error of a reward, as a share of the largest one, or of 1."""

VALUE_TOLERANCE = 0.005
"""Largest error of a value, as a share of its support's width."""

Step = dict[str, F32]
"""Fields of an `Expansion` or `SingleExpansion`."""


class SelfTest:
    """Steps from fixed latents as a model takes them, to compare its programs with."""

    def __init__(self, model: StochasticMuZero, expansion: Expansion, rows: int) -> None:
        """Takes the steps with `model`, for programs of so many rows."""
        shape = (rows, model.config.latent_width)
        self._latents = np.random.default_rng(0).normal(size=shape).astype(np.float32)
        self._actions, self._outcomes = model.actions, model.outcomes
        self._support_width = model.config.value_max - model.config.value_min
        self._expansion = expansion
        self._wanted = self._steps(MlxEvaluator(model), mx.array(self._latents))

    def failure(self, programs: Evaluator[F32]) -> str | None:
        """The first thing that `programs` do otherwise; None if there is none."""
        for step, (wanted, got) in enumerate(
            zip(self._wanted, self._steps(programs, self._latents), strict=True), start=1
        ):
            for field, numbers in wanted.items():
                error = float(np.abs(got[field] - numbers).max())
                allowed = self._tolerance(field, numbers)
                if not error <= allowed:
                    return (
                        f"self-test with {len(self._latents)} rows: {field} of step {step} is off "
                        f"by {error:.3g}, more than {allowed:.3g}"
                    )
        return None

    def _tolerance(self, field: str, wanted: F32) -> float:
        if "value" in field:
            return VALUE_TOLERANCE * self._support_width
        if field == "reward":
            return REWARD_TOLERANCE * max(1.0, float(np.abs(wanted).max()))
        return PROBABILITY_TOLERANCE

    def _steps(self, evaluator: Evaluator[Any], latents: object) -> list[Step]:
        """Two steps of `evaluator`; neighboring rows take other actions and outcomes."""
        rows = np.arange(len(self._latents), dtype=np.int32)
        outcome = rows % self._outcomes
        per_step = rows.size * self._outcomes
        evaluator.reset(latents, rows, rows.size + 2 * per_step)
        steps = []
        parent = rows
        for step in range(2):
            action = (rows + step) % self._actions
            slot = np.arange(per_step, dtype=np.int32).reshape(rows.size, self._outcomes)
            slot = slot + np.int32(rows.size + step * per_step)
            below = slot[rows, outcome]
            if self._expansion == "all_outcomes":
                steps.append(asdict(evaluator.expand(Leaves(rows, parent, action, slot))))
            else:
                leaves = SingleLeaves(rows, parent, action, rows, parent, action, outcome, below)
                steps.append(asdict(evaluator.expand_single(leaves)))
            parent = below
        return steps
