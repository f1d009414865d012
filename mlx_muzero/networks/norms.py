"""Linear layers, norms and ReLU, which a CPU trains with gradients in closed form (ADR 29)."""

import mlx.core as mx
import mlx.nn as nn

from mlx_muzero.networks import closed_form


def relu(x: mx.array, *, training: bool) -> mx.array:
    """The larger of `x` and 0; `training`: whether a gradient is wanted."""
    return closed_form.relu(x) if training and closed_form.on_cpu() else nn.relu(x)


class Linear(nn.Linear):
    """`nn.Linear`."""

    def __call__(self, x: mx.array) -> mx.array:
        """``f32[..., in]`` -> ``f32[..., out]``."""
        if self.training and closed_form.on_cpu():
            # MLX's CPU backend first fills the output with the bias, number by number.
            return x @ self.weight.T + self.bias
        return super().__call__(x)


class LayerNorm(nn.LayerNorm):
    """`nn.LayerNorm`."""

    def __call__(self, x: mx.array) -> mx.array:
        """``f32[..., D]`` -> ``f32[..., D]``."""
        if self.training and closed_form.on_cpu():
            return closed_form.layer_norm(x, self.weight, self.bias)
        return super().__call__(x)


class BatchNorm(nn.BatchNorm):
    """`nn.BatchNorm`."""

    def __call__(self, x: mx.array) -> mx.array:
        """``f32[..., C]`` -> ``f32[..., C]``."""
        rows = x.size // x.shape[-1]
        if not self.is_closed_form(rows):
            return super().__call__(x)
        y, mean, variance = closed_form.batch_norm(x, self.weight, self.bias)
        self.follow(mean, variance, rows)
        return y

    def is_closed_form(self, rows: int) -> bool:
        """Whether a CPU trains it, with statistics over so many rows of its own."""
        # Statistics over several ranks shadow this method (`training.ranks`).
        shared = "_calc_stats" in vars(self)
        return self.training and closed_form.on_cpu() and rows > 1 and not shared

    def follow(self, mean: mx.array, variance: mx.array, rows: int) -> None:
        """Let the running statistics follow those ``f32[C]`` of a batch of so many rows."""
        old, new = 1.0 - self.momentum, self.momentum
        self.running_mean = old * self.running_mean + new * mean
        self.running_var = old * self.running_var + new * variance * (rows / (rows - 1))
