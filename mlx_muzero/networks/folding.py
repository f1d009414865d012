"""Batch norm in evaluation mode as part of the linear layer before it."""

import numpy as np

from mlx_muzero.types import F32

NORM_EPSILON = 1e-5
"""Added to the variance by MLX's batch norm and layer norm."""


def fold_batch_norm(
    weight: F32, bias: F32, gain: F32, shift: F32, running_mean: F32, running_var: F32
) -> tuple[F32, F32]:
    """Weight [out, ...] and bias [out] of the layer that is ``batch_norm(linear(x))``.

    Args:
        weight: [out, ...] of the linear layer.
        bias: [out] of the linear layer.
        gain: [out], the norm's ``weight``.
        shift: [out], the norm's ``bias``.
        running_mean: [out].
        running_var: [out].
    """
    scale = gain.astype(np.float64) / np.sqrt(running_var.astype(np.float64) + NORM_EPSILON)
    return (
        (weight.T * scale).T.astype(np.float32),
        ((bias - running_mean) * scale + shift).astype(np.float32),
    )
