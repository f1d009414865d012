"""Scripted policies that play the first training episodes without a search."""

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
"""All scripted policies; together they hold both sides, for one bar and for many."""


def behavior(name: Behavior, seed: int) -> Policy:
    """The policy called `name`, with random numbers keyed by `seed`."""
    return _POLICIES[name](seed)
