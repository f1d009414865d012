"""From what choices are worth to a policy."""

import numpy as np

from mlx_muzero.types import F32, F64


def choice_policy(choices: F64, pips: float) -> F32:
    """``f32[..., A]`` probabilities of choices ``f64[..., A]``: `pips` are worth a factor of e."""
    above = np.exp((choices - choices.max(axis=-1, keepdims=True)) / pips)
    return np.asarray(above / above.sum(axis=-1, keepdims=True), np.float32)
