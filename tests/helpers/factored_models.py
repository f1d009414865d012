"""Small factored models with heads that say something, and windows for them."""

import dataclasses

import mlx.core as mx
import numpy as np

from mlx_muzero.config.presets import PRESETS
from mlx_muzero.config.schema import Config, ModelConfig
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.networks.known_inputs import NOTHING_KNOWN

WINDOW, COLUMNS, OUTCOMES = 8, 5, 3
SIZES = ModelConfig(kind="factored", latent_width=16, chain_states=6)


def random_model(
    sizes=SIZES, *, exposures=(0.0, 1.0, -1.0), history=(0, 2), known=NOTHING_KNOWN, seed=1
):
    """A model in evaluation mode whose heads, norm and chain are random."""
    model = FactoredModel(
        sizes,
        features=COLUMNS,
        history=history,
        exposures=exposures,
        outcomes=OUTCOMES,
        window_bars=WINDOW,
        known=known,
        seed=seed,
    )
    return randomized(model, seed)


def randomized(model: FactoredModel, seed=1) -> FactoredModel:
    """`model` with all that training would have given it drawn at random."""
    random = np.random.default_rng(seed)

    def draw(*shape):
        return mx.array(random.normal(size=shape).astype(np.float32))

    for networks in model.members:
        for head in (networks.worth_head, networks.move_head, networks.outcome_head):
            head.output.weight = 0.5 * draw(*head.output.weight.shape)
            head.output.bias = 0.1 * draw(*head.output.bias.shape)
    mean = draw(model.features)
    for networks in model.members:
        networks.representation_network.observation_norm.mean = mean
    model.usual.move_pips, model.usual.price = mx.array(2.5), mx.array(150.0)
    model.chain.mean, model.chain.scale = draw(3), mx.abs(draw(3))
    model.chain.centers = draw(*model.chain.centers.shape)
    model.eval()
    return model


def factored_config(small_config: Config) -> Config:
    """The preset's configuration with small networks, and the market of another."""
    factored = PRESETS["fx_factored"]
    return dataclasses.replace(
        factored,
        market=small_config.market,
        model=dataclasses.replace(factored.model, latent_width=16, chain_states=8),
        search=dataclasses.replace(factored.search, backend="mlx"),
    )


def some_windows(count=4, columns=COLUMNS + 6):
    """Observations ``f32[count, W, columns]``, the account's columns last."""
    random = np.random.default_rng(0)
    return random.normal(size=(count, WINDOW, columns)).astype(np.float32)
