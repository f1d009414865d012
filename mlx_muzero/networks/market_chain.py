"""A coarse copy of a learned market: clusters of latents, and how they follow each other."""

from typing import Any

import mlx.core as mx
import mlx.nn as nn

SUMMARY = 3
"""Figures of a latent that tell clusters apart; see `FactoredModel.summary`."""


class MarketChain(nn.Module):
    """A Markov chain over G clusters of latents, measured on training bars and not learned.

    A search reads far ahead in it under rules that the networks were not trained for. Its arrays
    are stored with the weights, like the running statistics of a batch norm. Before it is
    measured, the market of the chain never moves.

    Attributes:
        mean: ``f32[3]`` mean of the summaries.
        scale: ``f32[3]`` reciprocal of their deviations.
        centers: ``f32[G, 3]`` normalized summary of each cluster.
        transition: ``f32[G, G]`` probability of the cluster of the next bar, by the one now.
        move: ``f32[G]`` mean pips from one fill to the next after a bar of the cluster.
    """

    def __init__(self, states: int) -> None:
        super().__init__()
        self.mean = mx.zeros(SUMMARY)
        self.scale = mx.ones(SUMMARY)
        self.centers = mx.zeros((states, SUMMARY))
        self.transition = mx.eye(states)
        self.move = mx.zeros(states)
        self.freeze(recurse=False)

    def unfreeze(self, *args: Any, **kwargs: Any) -> nn.Module:
        """Does nothing: there is nothing to learn."""
        return self

    def nearest(self, summary: mx.array) -> mx.array:
        """Summaries ``f32[n, 3]`` -> number of the nearest cluster ``i32[n]``."""
        normal = (summary - self.mean) * self.scale
        # |x - c|^2 less |x|^2, which is the same for every cluster.
        distance = mx.square(self.centers).sum(axis=1) - 2.0 * (normal @ self.centers.T)
        return mx.argmin(distance, axis=1).astype(mx.int32)
