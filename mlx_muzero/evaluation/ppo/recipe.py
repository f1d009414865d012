"""What a training by PPO can vary, and how further trials are drawn."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Recipe:
    """The settings of one training.

    Attributes:
        sessions: played in lockstep (N actors in the paper).
        horizon: steps of each between two updates (T).
        epochs: passes over what was collected (K).
        batch: transitions of a minibatch (M).
        learning_rate: Adam's; it falls to 0 over the second half of the training.
        discount: gamma, of the reward of the next step.
        trace: lambda of the advantages (`generalized_advantages`).
        clip: epsilon, how far the policy's ratio may usefully move.
        entropy_weight: c2, what an even policy is worth, at first; it falls as the step size does.
        value_weight: c1, of the value loss.
        max_gradient: largest norm of a gradient.
    """

    sessions: int = 512
    horizon: int = 30
    epochs: int = 4
    batch: int = 2048
    learning_rate: float = 1e-3
    discount: float = 0.98
    trace: float = 0.9
    clip: float = 0.2
    entropy_weight: float = 1e-3
    value_weight: float = 0.5
    max_gradient: float = 0.5

    def as_dict(self) -> dict[str, Any]:
        """The settings for JSON."""
        return asdict(self)


RECIPE = Recipe()

SPACE: dict[str, tuple[float, ...]] = {
    "horizon": (15, 30, 60),
    "epochs": (2, 4, 8),
    "batch": (1024, 2048, 4096),
    "learning_rate": (3e-4, 1e-3, 3e-3),
    "discount": (0.9, 0.95, 0.98, 0.99),
    "trace": (0.8, 0.9, 0.95),
    "clip": (0.1, 0.2, 0.3),
    "entropy_weight": (3e-4, 1e-3, 3e-3, 1e-2),
}
"""What the trials after the first draw from."""


def recipe_of(trial: int, seed: int) -> Recipe:
    """The settings of a trial, from 0: first `RECIPE`, then draws of `SPACE`, each its own."""
    if trial == 0:
        return RECIPE
    generator = np.random.default_rng([seed, trial])
    drawn: dict[str, Any] = {
        name: values[generator.integers(len(values))] for name, values in SPACE.items()
    }
    return replace(RECIPE, **drawn)
