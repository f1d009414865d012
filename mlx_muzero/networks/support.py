"""Scalars as distributions over evenly spaced bins (two-hot; Schrittwieser et al. 2020, app. F)."""

from dataclasses import dataclass

import mlx.core as mx


@dataclass(frozen=True)
class Support:
    """`bins` values (S) from `value_min` to `value_max`, ends included."""

    value_min: float
    value_max: float
    bins: int

    def __post_init__(self) -> None:
        if self.bins < 2 or not self.value_min < self.value_max:
            raise ValueError(f"a support needs two bins and value_min < value_max: {self}")

    @property
    def centers(self) -> mx.array:
        """[S] float32, the value of each bin."""
        return mx.linspace(self.value_min, self.value_max, self.bins)

    def encode(self, values: mx.array) -> mx.array:
        """Two-hot probabilities [..., S] of `values` [...], clamped to the support's ends."""
        step = (self.value_max - self.value_min) / (self.bins - 1)
        position = mx.clip((values - self.value_min) / step, 0, self.bins - 1)
        return mx.maximum(1.0 - mx.abs(position[..., None] - mx.arange(self.bins)), 0.0)

    def expectation(self, probabilities: mx.array) -> mx.array:
        """Mean value [...] of distributions [..., S]; the inverse of `encode`."""
        return probabilities @ self.centers

    def decode(self, logits: mx.array) -> mx.array:
        """Mean value [...] of the distributions with `logits` [..., S]."""
        return self.expectation(mx.softmax(logits, axis=-1))

    def count_outside(self, values: mx.array) -> mx.array:
        """How many of `values` `encode` would clamp: a scalar int32."""
        return mx.sum((values < self.value_min) | (values > self.value_max)).astype(mx.int32)
