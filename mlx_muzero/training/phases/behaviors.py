"""Scripted policies that play the episodes a model is first taught with, no search needed."""

from collections.abc import Callable

from mlx_muzero.config.choices import Behavior
from mlx_muzero.evaluation.baselines import BUY_AND_HOLD, RandomPolicy, mean_reversion, momentum
from mlx_muzero.evaluation.policy import Policy

_POLICIES: dict[Behavior, Callable[[int], Policy]] = {
    "random": RandomPolicy,
    "buy_and_hold": lambda _seed: BUY_AND_HOLD,
    "momentum_5": lambda _seed: momentum(5),
    "momentum_30": lambda _seed: momentum(30),
    "mean_reversion_5": lambda _seed: mean_reversion(5),
    "mean_reversion_30": lambda _seed: mean_reversion(30),
}

BEHAVIORS: tuple[Behavior, ...] = tuple(_POLICIES)
"""Every policy there is: together they hold positions of both sides for one bar and for many."""


def behavior(name: Behavior, seed: int) -> Policy:
    """The policy called `name`, its random numbers named by `seed`."""
    return _POLICIES[name](seed)
