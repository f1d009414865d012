"""The representation network in C++: the `native` backend's way from observations to latents."""

import mlx.core as mx
from mlx.utils import tree_flatten

from mlx_muzero import _core
from mlx_muzero.backends.native_parameters import floats, load_parameters
from mlx_muzero.errors import SearchError
from mlx_muzero.networks.folding import fold_batch_norm
from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.types import F32

_NETWORK = "representation_network."
_NORM = f"{_NETWORK}observation_norm"
_NORMED = (("conv_1.taps", "norm_1"), ("conv_2.taps", "norm_2"), ("output", "norm"))
"""Ends of the names of linear layers, and of the batch norms that follow them."""
_STATISTICS = ("weight", "bias", "running_mean", "running_var")


class NativeEncoder:
    """Encodes observations in C++ (cpp/networks/representation), in float32, without dropout.

    The weights are those of the model at the last `refresh`. A latent does not depend on the
    windows beside it, bit for bit, except where Accelerate does the products (macOS), and never on
    the number of threads.
    """

    def __init__(self, model: StochasticMuZero, threads: int, kernels: str | None = None) -> None:
        """Copies the model's weights.

        Args:
            model: the networks.
            threads: threads that share the windows.
            kernels: one of `_core.kernels()`; the first, and fastest, is the default.

        Raises:
            SearchError: the model has another encoder, or another representation network; names
                the encoder or the parameter.
        """
        config = model.config
        if config.encoder != "tcn":
            raise SearchError(
                f'model.encoder: "{config.encoder}" has no C++ of its own, only "tcn" has; encode '
                "with MlxEncoder"
            )
        self._model = model
        self._core = _core.Encoder(
            features=model.features,
            window_bars=model.window_bars,
            channels=config.tcn_channels,
            kernel=config.tcn_kernel,
            width=config.latent_width,
            blocks=config.representation_blocks,
            kernels=kernels or _core.kernels()[0],
            threads=threads,
        )
        self.refresh()

    def refresh(self) -> None:
        """Copies the model's weights again, after they changed.

        Raises:
            SearchError: a parameter is missing, unknown or has another shape.
        """
        arrays = _folded(self._model)
        self._mean, self._scale = (arrays.pop(f"{_NORM}.{name}") for name in ("mean", "scale"))
        load_parameters(self._core, arrays)

    def __call__(self, observation: F32) -> mx.array:
        """Observation [n, W, F] -> latent [n, D]."""
        return mx.array(self._core.encode((observation - self._mean) * self._scale))


def _folded(model: StochasticMuZero) -> dict[str, F32]:
    """The representation network's weights by name, batch norms folded into what they follow."""
    arrays = {
        name: floats(array)
        for name, array in dict(tree_flatten(model.parameters())).items()
        if name.startswith(_NETWORK)
    }
    for layer_end, norm_end in _NORMED:
        for weight in [name for name in arrays if name.endswith(f"{layer_end}.weight")]:
            owner = weight.removesuffix(f"{layer_end}.weight")
            bias = f"{owner}{layer_end}.bias"
            norm = [arrays.pop(f"{owner}{norm_end}.{name}") for name in _STATISTICS]
            arrays[weight], arrays[bias] = fold_batch_norm(arrays[weight], arrays[bias], *norm)
    return arrays
