"""Represents scalars as two-hot distributions over bins (Schrittwieser et al. 2020, app. F)."""

from dataclasses import dataclass

import mlx.core as mx


@dataclass(frozen=True)
class Support:
    """`bins` evenly spaced values (S) from `value_min` to `value_max`, both included."""

    value_min: float
    value_max: float
    bins: int

    def __post_init__(self) -> None:
        if self.bins < 2 or not self.value_min < self.value_max:
            raise ValueError(f"a support needs two bins and value_min < value_max: {self}")

    @property
    def centers(self) -> mx.array:
        """``f32[S]`` the value of each bin."""
        return mx.linspace(self.value_min, self.value_max, self.bins)

    def encode(self, values: mx.array) -> mx.array:
        """Two-hot probabilities ``f32[..., S]`` of `values` ``f32[...]``, which are clamped."""
        return mx.maximum(1.0 - mx.abs(self.place(values)[..., None] - mx.arange(self.bins)), 0.0)

    def place(self, values: mx.array) -> mx.array:
        """Where `values` ``f32[...]`` lie: 0 at the first bin, S - 1 at the last; clamped."""
        step = (self.value_max - self.value_min) / (self.bins - 1)
        return mx.clip((values - self.value_min) / step, 0, self.bins - 1)

    def expectation(self, probabilities: mx.array) -> mx.array:
        """Mean value ``f32[...]`` of distributions ``f32[..., S]``; the inverse of `encode`."""
        return probabilities @ self.centers

    def decode(self, logits: mx.array) -> mx.array:
        """Mean value ``f32[...]`` of the distributions with `logits` ``f32[..., S]``."""
        return self.expectation(mx.softmax(logits, axis=-1))

    def count_outside(self, values: mx.array) -> mx.array:
        """Number of `values` that `encode` would clamp, as a scalar int32."""
        return mx.sum((values < self.value_min) | (values > self.value_max)).astype(mx.int32)
