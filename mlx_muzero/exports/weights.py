"""The parts of a model that are exported: its sizes, and its weights as NumPy arrays by name."""

import hashlib
from collections.abc import Mapping
from typing import TypeVar

import mlx.core as mx
import numpy as np
from mlx.utils import tree_flatten

from mlx_muzero.exports.interface import ExportSizes
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.networks.kinds import Model
from mlx_muzero.networks.model import DECODER, StochasticMuZero
from mlx_muzero.types import F32

AModel = TypeVar("AModel", bound=Model)


def sizes_of(model: Model) -> ExportSizes:
    """The sizes of `model`."""
    if isinstance(model, FactoredModel):
        return ExportSizes(
            model.config,
            model.features,
            0,
            model.outcomes,
            model.window_bars,
            model.history,
            model.exposures,
            model.known,
        )
    return ExportSizes(
        model.config, model.features, model.actions, model.outcomes, model.window_bars
    )


def weights_of(model: Model) -> dict[str, F32]:
    """Copy the parameters of `model`, and what is measured and stored with them, by name."""
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


def model_of(weights: Mapping[str, F32], sizes: ExportSizes) -> Model:
    """Make a model in evaluation mode; inverse of `weights_of` and `sizes_of`."""
    if sizes.model.kind == "factored":
        return factored_of(weights, sizes)
    model = StochasticMuZero(
        sizes.model,
        features=sizes.features,
        actions=sizes.actions,
        outcomes=sizes.outcomes,
        window_bars=sizes.window_bars,
    )
    return _loaded(model, weights)


def factored_of(weights: Mapping[str, F32], sizes: ExportSizes) -> FactoredModel:
    """The same of a factored model."""
    model = FactoredModel(
        sizes.model,
        features=sizes.features,
        history=sizes.history,
        exposures=sizes.exposures,
        outcomes=sizes.outcomes,
        window_bars=sizes.window_bars,
        known=sizes.known,
    )
    return _loaded(model, weights)


def _loaded(model: AModel, weights: Mapping[str, F32]) -> AModel:
    model.load_weights([(name, mx.array(array)) for name, array in weights.items()], strict=True)
    mx.eval(model.parameters())
    model.eval()
    return model
