"""Baselines of a user's own, played next to those built in."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mlx_muzero.errors import ConfigError
from mlx_muzero.evaluation.policy import Decider, Policy, SessionView
from mlx_muzero.registry import Registry
from mlx_muzero.types import I32

BUILT_IN = (
    "flat", "buy_and_hold", "random", "momentum", "mean_reversion", "perfect_foresight",
    "best_policy",
)  # fmt: skip
"""Names that are taken: families of baselines, and what a synthetic market has."""

BASELINES: Registry[Callable[[], Decider]] = Registry("baseline", "register_baseline", BUILT_IN)
"""Makers of deciders, by the name that reports give them."""


@dataclass(frozen=True)
class RegisteredPolicy:
    """A registered decider with its name, held to the shape of its actions."""

    name: str
    decider: Decider

    def reset(self, env: SessionView) -> None:
        """See `Decider.reset`."""
        self.decider.reset(env)

    def act(self, env: SessionView) -> I32:
        """See `Decider.act`.

        Raises:
            ConfigError: it is no array of one action for each session.
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
    """Those registered, each made anew, by name."""
    return {name: RegisteredPolicy(name, make()) for name, make in BASELINES.items()}
