"""Discounted returns."""

import numpy as np

from mlx_muzero.types import F32, F64


def discounted_returns(reward: F32 | F64, discount: float) -> F32:
    """``f32[E, T]`` discounted returns from each step onward of rewards ``f32[E, T]``."""
    returns = np.zeros(reward.shape)
    ahead = np.zeros(len(reward))
    for step in reversed(range(reward.shape[1])):
        ahead = reward[:, step] + discount * ahead
        returns[:, step] = ahead
    return returns.astype(np.float32)
