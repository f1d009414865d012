"""Small factored models with heads that say something, and windows for them."""

import dataclasses

import mlx.core as mx
import numpy as np
from mlx.utils import tree_flatten

from mlx_muzero.config.known_inputs import NOTHING_KNOWN, KnownInputs
from mlx_muzero.config.presets import PRESETS
from mlx_muzero.config.schema import Config, ModelConfig
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.search.market_evaluator import KnownAhead, MarketEvaluator

WINDOW, COLUMNS, OUTCOMES = 8, 5, 3
TOLD = (KnownInputs(20), KnownInputs(0, (1.0, 8.0)), KnownInputs(20, (1.0, 8.0)))
"""All that a worth head may be told."""

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


def assert_plays_alike(one: MarketEvaluator, other: MarketEvaluator, known: KnownInputs, atol):
    """Both say the same of every state to depth 2, whatever they are told."""
    observation = some_windows(5)
    now = known.spread_rows(5)
    later = now[::-1].copy()
    for depth, told in ((2, KnownAhead()), (0, KnownAhead(now, now)), (2, KnownAhead(now, later))):
        ours, theirs = (market.ahead(observation, depth, told) for market in (one, other))
        np.testing.assert_allclose(ours.leaf_worth, theirs.leaf_worth, atol=atol)
        np.testing.assert_allclose(ours.root_worth, theirs.root_worth, atol=atol)
        np.testing.assert_array_equal(ours.leaf_cluster, theirs.leaf_cluster)
    ours, theirs = (market.roots(observation, now) for market in (one, other))
    np.testing.assert_allclose(ours.worth, theirs.worth, atol=atol)
    following = [market.successors(theirs.latent, later) for market in (one, other)]
    np.testing.assert_allclose(following[0].worth, following[1].worth, atol=atol)


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


def weights_of(model):
    """The model's parameters, by name."""
    return dict(tree_flatten(model.parameters()))
