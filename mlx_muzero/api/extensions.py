"""Registers user-defined rewards and baselines."""

from collections.abc import Callable

from mlx_muzero.config.schema import REWARDS
from mlx_muzero.evaluation.policy import Decider
from mlx_muzero.evaluation.registered_baselines import BASELINES
from mlx_muzero.trading.rewards import RewardMaker


def register_reward(name: str, make: RewardMaker) -> None:
    """Make `name` available as `trading.reward`.

    Registration is limited to this process: call it before loading a configuration or run that uses
    the name, in every process that does, including each of several that train together. The command
    line knows only the rewards of installed packages (entry points ``mlx_muzero.rewards``). A run
    stores the name, not the code: give a changed reward a new name, or a resumed run would learn
    from both.

    Args:
        name: letters, digits and underscores; replaces an earlier registration.
        make: called with `trading.reward_scale` when sessions begin. The object it returns is
            called with the `StepEffect` of each step of B sessions and returns their rewards,
            ``f64[B]``; it may remember earlier steps. The same steps must yield the same rewards,
            or a run cannot be repeated.

    Raises:
        ConfigError: `name` is built in, or not a valid name.
    """
    REWARDS.register(name, make)


def register_baseline(name: str, make: Callable[[], Decider]) -> None:
    """Add a baseline wherever runs are evaluated in this process.

    Args:
        name: its name in results; replaces an earlier registration.
        make: called for every evaluation. The object it returns has `reset`, called with a
            `SessionView` when sessions begin, and `act`, called at each step for the actions
            ``i32[B]`` of B sessions. An honest one does not look at bars after `SessionView.bar`.

    Raises:
        ConfigError: `name` is built in, or not a valid name.
    """
    BASELINES.register(name, make)
