"""Rewards and baselines of a user's own."""

from collections.abc import Callable

from mlx_muzero.config.schema import REWARDS
from mlx_muzero.evaluation.policy import Decider
from mlx_muzero.evaluation.registered_baselines import BASELINES
from mlx_muzero.trading.rewards import RewardMaker


def register_reward(name: str, make: RewardMaker) -> None:
    """Let `trading.reward` be `name`.

    Registered is registered in this process alone: call it before a configuration or a run that
    names it is loaded, in every process that does, as in each of several that train together. The
    command line knows nothing of it. A run keeps the name, not the code: give a reward that was
    changed another name, or a run that goes on would learn from two.

    Args:
        name: letters, digits and underscores; one that was registered before is replaced.
        make: called with `trading.reward_scale` when sessions begin. What it returns is called with
            the `StepEffect` of each step of B sessions and gives their rewards, ``f64[B]``; it may
            remember the steps before. The same steps must have the same rewards, or a run cannot
            be repeated.

    Raises:
        ConfigError: `name` is built in, or no name.
    """
    REWARDS.register(name, make)


def register_baseline(name: str, make: Callable[[], Decider]) -> None:
    """Play one more baseline wherever runs are evaluated in this process.

    Args:
        name: what results call it; one that was registered before is replaced.
        make: called for every evaluation. What it returns has `reset`, called with a `SessionView`
            when sessions begin, and `act`, called at each step for the actions ``i32[B]`` of B
            sessions. An honest one looks at no bar after `SessionView.bar`.

    Raises:
        ConfigError: `name` is built in, or no name.
    """
    BASELINES.register(name, make)
