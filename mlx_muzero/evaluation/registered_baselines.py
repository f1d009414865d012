"""User-defined baselines, played next to the built-in ones."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mlx_muzero.errors import ConfigError
from mlx_muzero.evaluation.policy import Decider, Policy, SessionView
from mlx_muzero.evaluation.rivals.fitted import RIVALS
from mlx_muzero.evaluation.rivals.past_moves import PAST_MOVES
from mlx_muzero.registry import Registry
from mlx_muzero.types import I32

BUILT_IN = (
    "flat", "buy_and_hold", "random", "momentum", "mean_reversion", "perfect_foresight",
    "best_policy", "fix_rule", *RIVALS, *PAST_MOVES,
)  # fmt: skip
"""Reserved names: families of baselines, and those of a synthetic market."""

BASELINES: Registry[Callable[[], Decider]] = Registry("baseline", "register_baseline", BUILT_IN)
"""Factories of deciders, by the name used in reports."""


@dataclass(frozen=True)
class RegisteredPolicy:
    """A registered decider with its name; checks the shape of its actions."""

    name: str
    decider: Decider

    def reset(self, env: SessionView) -> None:
        """See `Decider.reset`."""
        self.decider.reset(env)

    def act(self, env: SessionView) -> I32:
        """See `Decider.act`.

        Raises:
            ConfigError: the result is not an array with one action for each session.
        """
        action = np.asarray(self.decider.act(env))
        actions = len(env.table.action_names)
        if action.shape != env.bar.shape or action.dtype.kind not in "iu":
            raise ConfigError(
                f"the baseline {self.name!r} returned {action.dtype} {action.shape}, wanted whole "
                f"numbers {env.bar.shape}: one action for each session"
            )
        if action.size and not 0 <= action.min() <= action.max() < actions:
            raise ConfigError(
                f"the baseline {self.name!r} chose an action outside 0 to {actions - 1} "
                f"({', '.join(env.table.action_names)})"
            )
        return action.astype(np.int32)


def registered_baselines() -> dict[str, Policy]:
    """A new instance of each registered baseline, by name."""
    return {name: RegisteredPolicy(name, make()) for name, make in BASELINES.items()}
