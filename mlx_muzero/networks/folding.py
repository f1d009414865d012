"""Folds batch norm (in eval mode) into the preceding linear layer."""

import numpy as np

from mlx_muzero.types import F32

NORM_EPSILON = 1e-5
"""Added to the variance by MLX's batch norm and layer norm."""


def fold_batch_norm(
    weight: F32, bias: F32, gain: F32, shift: F32, running_mean: F32, running_var: F32
) -> tuple[F32, F32]:
    """Weight ``f32[out, ...]`` and bias ``f32[out]`` of a layer equal to ``batch_norm(linear(x))``.

    Args:
        weight: ``f32[out, ...]`` of the linear layer.
        bias: ``f32[out]`` of the linear layer.
        gain: ``f32[out]``, the norm's ``weight``.
        shift: ``f32[out]``, the norm's ``bias``.
        running_mean: ``f32[out]`` mean that the norm subtracts.
        running_var: ``f32[out]`` variance that the norm divides by.
    """
    scale = gain.astype(np.float64) / np.sqrt(running_var.astype(np.float64) + NORM_EPSILON)
    return (
        (weight.T * scale).T.astype(np.float32),
        ((bias - running_mean) * scale + shift).astype(np.float32),
    )
