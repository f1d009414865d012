"""Returns: what follows a step, discounted."""

import numpy as np

from mlx_muzero.types import F32, F64


def discounted_returns(reward: F32 | F64, discount: float) -> F32:
    """Returns ``f32[E, T]`` from each step of sessions on, rewards ``[E, T]`` discounted a step."""
    returns = np.zeros(reward.shape)
    ahead = np.zeros(len(reward))
    for step in reversed(range(reward.shape[1])):
        ahead = reward[:, step] + discount * ahead
        returns[:, step] = ahead
    return returns.astype(np.float32)
