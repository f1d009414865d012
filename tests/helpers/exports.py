"""Models with weights drawn at random, and their exports, for tests of what is exported."""

import dataclasses
from pathlib import Path

import mlx.core as mx
import numpy as np

from mlx_muzero.config.choices import ExpansionMode
from mlx_muzero.config.presets import FX_MICRO
from mlx_muzero.config.schema import Config
from mlx_muzero.coreml import conversion
from mlx_muzero.coreml.interpreting import interpreter
from mlx_muzero.coreml.programs import build
from mlx_muzero.exports.figures import EngineFigures, Verification
from mlx_muzero.exports.interpreter import Interpreter
from mlx_muzero.exports.networks import read_networks
from mlx_muzero.exports.samples import Samples
from mlx_muzero.exports.weights import sizes_of, weights_of
from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.trading.env import observation_features

NETWORKS = ("representation", "outcome", "dynamics", "policy", "value", "afterstate")
BARE = {f"{network}_blocks": 0 for network in NETWORKS}
"""Sizes of a model without residual blocks, whose programs are converted in a moment."""
SMALL = {
    "latent_width": 12,
    "tcn_channels": 6,
    "value_bins": 15,
    "value_min": -7.0,
    "value_max": 7.0,
    **dict.fromkeys(BARE, 1),
}


def random_model(
    *, features=5, actions=4, outcomes=3, window_bars=6, seed=0, **sizes
) -> StochasticMuZero:
    """A model all of whose weights and statistics are drawn at random, as none is after training.

    Products keep the size of what they multiply, so that depth makes nothing large or small.
    """
    config = dataclasses.replace(FX_MICRO.model, **SMALL | sizes | {"parameters": 0})
    model = StochasticMuZero(
        config, features=features, actions=actions, outcomes=outcomes, window_bars=window_bars
    )
    random = np.random.default_rng(seed)
    drawn = []
    for name, array in weights_of(model).items():
        if name.endswith("running_var"):
            values = random.uniform(0.3, 3.0, array.shape)
        elif ".norm" in name or "_norm." in name:
            mean = float(name.endswith((".weight", ".scale")))
            values = mean + 0.2 * random.normal(size=array.shape)
        else:
            values = random.normal(size=array.shape) / np.sqrt(array.shape[-1])
        drawn.append((name, mx.array(values.astype(np.float32))))
    model.load_weights(drawn, strict=True)
    model.eval()
    return model


def saved_program(
    folder: Path, name, model, rows, precision="fp16", layer_norm="op", weights=None
) -> Interpreter:
    """A program of `model`, built, converted, saved and read back."""
    sizes = sizes_of(model)
    networks = read_networks(weights or weights_of(model), sizes, precision)
    package = folder / f"{name}_b{rows}.mlpackage"
    conversion.save(build(name, networks, sizes, rows, precision, layer_norm), package)
    return interpreter(package)


def run_config(model: StochasticMuZero, expansion: ExpansionMode = "all_outcomes") -> Config:
    """The configuration of a run that would have made `model`."""
    market = dataclasses.replace(
        FX_MICRO.market, symbol="TEST", session_bars=12, window_bars=model.window_bars
    )
    search = dataclasses.replace(FX_MICRO.search, expansion=expansion)
    return dataclasses.replace(FX_MICRO, market=market, model=model.config, search=search)


def trading_model(**changes) -> StochasticMuZero:
    """A random model of the observations and actions there are."""
    return random_model(features=len(observation_features(FX_MICRO)), window_bars=8, **changes)


def passed(_folder: Path) -> Verification:
    """A verification that looks at nothing."""
    return Verification("fp16", 0, (EngineFigures("sim", None),))


def random_samples(model, count, seed=0):
    """Situations made up for `model`."""
    random = np.random.default_rng(seed)
    shape = (count, model.window_bars, model.features)
    return Samples(
        observation=random.normal(size=shape).astype(np.float32),
        position=np.zeros(count, np.int32),
        action=random.integers(0, model.actions, count).astype(np.int32),
        outcome=random.integers(0, model.outcomes, count).astype(np.int32),
        account=np.zeros(count, np.int32),
        minute=np.zeros(count, np.int64),
        bar=np.zeros(count, np.int64),
    )
