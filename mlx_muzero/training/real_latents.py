"""Latents of real windows, which C++ makes while MLX computes what does not need them yet.

On a CPU it takes half as long as MLX, and fixed targets need no gradient. A recorded step takes
latents as an array (ADR 29), so they are written into the memory of one, before MLX reads it.
"""

from concurrent.futures import Future

import mlx.core as mx
import numpy as np

from mlx_muzero.backends.native import NativeEncoder
from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.training.threads import in_thread
from mlx_muzero.types import F32


class RealLatents:
    """Encodes windows in another thread with the weights of `model`, a model with a C++ encoder."""

    def __init__(self, model: StochasticMuZero) -> None:
        self._network = model.representation_network
        self._encoder = NativeEncoder(model, threads=1)
        self._width = model.config.latent_width
        self._latents = dict[int, mx.array]()
        self._under_way: Future[None] | None = None

    def of(self, windows: F32) -> mx.array:
        """Where the latents of `windows` ``f32[n, W, F]`` with the weights of now will lie.

        Returns:
            ``f32[n, D]``; they are there after `begin` and `wait`, until the next call.
        """
        self.wait()
        self._windows, self._weights = windows, self._network.parameters()
        latents = self._latents.get(len(windows))
        if latents is None:
            latents = self._latents[len(windows)] = mx.zeros((len(windows), self._width))
            mx.eval(latents)
        self._memory = np.array(latents, copy=False)
        return latents

    def begin(self) -> None:
        """Begin to encode."""
        mx.eval(self._weights)  # here: a thread may use only streams of its own
        self._under_way = in_thread(self._encode)

    def wait(self) -> None:
        """Wait until what was begun is encoded, and raise what went wrong with it."""
        under_way, self._under_way = self._under_way, None
        if under_way is not None:
            under_way.result()

    def _encode(self) -> None:
        self._encoder.take(self._weights)
        self._memory[:] = self._encoder(self._windows)
