"""The parts of a model that are exported: its sizes, and its weights as NumPy arrays by name."""

import hashlib
from collections.abc import Mapping

import mlx.core as mx
import numpy as np
from mlx.utils import tree_flatten

from mlx_muzero.exports.interface import ExportSizes
from mlx_muzero.networks.model import DECODER, StochasticMuZero
from mlx_muzero.types import F32


def sizes_of(model: StochasticMuZero) -> ExportSizes:
    """The sizes of `model`."""
    return ExportSizes(
        model.config, model.features, model.actions, model.outcomes, model.window_bars
    )


def weights_of(model: StochasticMuZero) -> dict[str, F32]:
    """Copy the parameters and batch-norm statistics of `model`'s six networks, by name."""
    parameters = dict(tree_flatten(model.parameters()))
    return {
        name: np.array(array.astype(mx.float32))
        for name, array in parameters.items()
        if not name.startswith(DECODER)
    }


def digest(weights: Mapping[str, F32]) -> str:
    """SHA-256 over names, shapes and values; equal for equal weights, wherever they are stored."""
    found = hashlib.sha256()
    for name in sorted(weights):
        array = np.ascontiguousarray(weights[name], np.float32)
        found.update(f"{name} {array.shape}\n".encode())
        found.update(array.tobytes())
    return found.hexdigest()


def model_of(weights: Mapping[str, F32], sizes: ExportSizes) -> StochasticMuZero:
    """Make a model in evaluation mode; inverse of `weights_of` and `sizes_of`."""
    model = StochasticMuZero(
        sizes.model,
        features=sizes.features,
        actions=sizes.actions,
        outcomes=sizes.outcomes,
        window_bars=sizes.window_bars,
    )
    model.load_weights([(name, mx.array(array)) for name, array in weights.items()], strict=True)
    mx.eval(model.parameters())
    model.eval()
    return model
