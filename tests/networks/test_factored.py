"""A factored model: what it reads, what it learns, and what is measured next to it."""

import dataclasses

import mlx.core as mx
import numpy as np
import pytest
from mlx.utils import tree_flatten

from mlx_muzero.config.schema import ModelConfig
from mlx_muzero.errors import ConfigError
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.networks.market_networks import shares

MARKET, WINDOW, OUTCOMES = 5, 8, 3
EXPOSURES = (0.0, 0.5, 1.0, -1.0)
SIZES = ModelConfig(kind="factored", latent_width=16, chain_states=6)


def factored(config=SIZES):
    return FactoredModel(
        config,
        features=MARKET,
        history=(0, 2),
        exposures=EXPOSURES,
        outcomes=OUTCOMES,
        window_bars=WINDOW,
        seed=1,
    )


def windows(count, columns=MARKET):
    random = np.random.default_rng(0)
    return mx.array(random.normal(size=(count, WINDOW, columns)).astype(np.float32))


def test_what_the_networks_give():
    model = factored()
    latent = model.representation(windows(7))
    assert latent.shape == (7, 16)
    assert model.outcome_logits(latent).shape == (7, OUTCOMES)
    assert model.moves(latent).shape == (7, OUTCOMES)
    assert model.worth(latent).shape == (7, len(EXPOSURES))
    assert model.dynamics(latent, mx.zeros(7, mx.int32)).shape == (7, 16)
    assert model.summary(latent).shape == (7, 3)


def test_a_new_model_expects_nothing():
    model = factored()
    latent = model.representation(windows(4))
    for zero in (model.worth(latent), model.moves(latent), model.outcome_logits(latent)):
        assert not np.array(zero).any()


def test_the_account_and_the_action_are_not_read():
    model = factored()
    observation = windows(3, MARKET + 6)
    other = mx.concatenate([observation[..., :MARKET], 9.0 + observation[..., MARKET:]], axis=-1)
    latent = model.representation(observation)
    np.testing.assert_array_equal(latent, model.representation(other))
    action = mx.array([0, 1, 2])
    np.testing.assert_array_equal(
        model.outcome_logits(latent, action), model.outcome_logits(latent)
    )


def test_only_the_newest_row_tells_of_columns_that_look_back():
    model, observation = factored(), windows(3)
    latent = model.representation(observation)
    row = mx.arange(WINDOW)[:, None]
    for column, is_read in ((0, True), (1, False), (2, True), (4, False)):
        earlier = (row < WINDOW - 1) & (mx.arange(MARKET) == column)
        changed = model.representation(observation + 3.0 * earlier)
        assert np.array_equal(changed, latent) != is_read
        newest = (row == WINDOW - 1) & (mx.arange(MARKET) == column)
        assert not np.array_equal(model.representation(observation + 3.0 * newest), latent)


def test_rows_that_are_read_tell_what_the_observation_does():
    model, observation = factored(), windows(3)
    norm = model.representation_network.observation_norm
    norm.measure(np.array(2.0 * windows(40) + 1.0))
    before = observation[:, :-1][:, :, list(model.history)].reshape(3, -1)
    rows = mx.concatenate([observation[:, -1], before], axis=1)
    np.testing.assert_array_equal(
        model.representation_of_rows(rows), model.representation(observation)
    )


def test_several_members_are_told_as_their_mean():
    model, observation = factored(dataclasses.replace(SIZES, members=3)), windows(5)
    random = np.random.default_rng(0)
    for networks in model.members:
        for head in (networks.worth_head, networks.move_head, networks.outcome_head):
            weight = random.normal(size=head.output.weight.shape)
            head.output.weight = mx.array(weight.astype(np.float32))
    latent = model.representation(observation)
    assert latent.shape == (5, 3 * 16)
    after = model.dynamics(latent, mx.array([0, 1, 2, 0, 1]))
    apart = [factored() for _ in model.members]
    for alone, networks in zip(apart, model.members, strict=True):
        own = dict(tree_flatten(alone.parameters()))
        weights = dict(tree_flatten(networks.parameters()))
        alone.load_weights([(name, weights.get(name, array)) for name, array in own.items()])
    for name in ("worth", "moves", "outcome_logits"):
        for told, parts in ((latent, apart), (after, apart)):
            pieces = zip(parts, np.split(np.array(told), 3, axis=1), strict=True)
            mean = np.mean([getattr(alone, name)(mx.array(part)) for alone, part in pieces], axis=0)
            np.testing.assert_allclose(getattr(model, name)(told), mean, rtol=1e-5, atol=1e-6)
    assert model.num_parameters() == 3 * factored().num_parameters()


@pytest.mark.parametrize(("rows", "members"), [(7, 3), (12, 4), (5, 1), (2, 2)])
def test_shares_part_the_rows(rows, members):
    parts = [np.arange(rows)[share] for share in shares(rows, members)]
    np.testing.assert_array_equal(np.concatenate(parts), np.arange(rows))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("shape", [(3, WINDOW - 1, MARKET), (3, WINDOW, MARKET - 1), (3, MARKET)])
def test_another_shape_is_refused(shape):
    with pytest.raises(ValueError, match="observation"):
        factored().representation(mx.zeros(shape))


def test_what_is_measured_is_stored_but_not_learned():
    model = factored()
    learned = dict(tree_flatten(model.trainable_parameters()))
    stored = dict(tree_flatten(model.parameters()))
    measured = {"chain.transition", "chain.move", "usual.move_pips", "usual.price"}
    assert measured <= stored.keys()
    assert not measured & learned.keys()
    model.train()
    assert not measured & dict(tree_flatten(model.trainable_parameters())).keys()


def test_a_required_number_of_parameters_is_checked():
    count = factored().num_parameters()
    factored(ModelConfig(kind="factored", latent_width=16, chain_states=6, parameters=count))
    with pytest.raises(ConfigError, match="trainable parameters required"):
        factored(ModelConfig(kind="factored", latent_width=16, parameters=count + 1))


def test_the_nearest_cluster_is_the_nearest():
    chain = factored().chain
    random = np.random.default_rng(3)
    centers, rows = random.normal(size=(6, 3)), 5.0 * random.normal(size=(50, 3))
    chain.centers = mx.array(centers.astype(np.float32))
    chain.mean, chain.scale = mx.array([1.0, 0.0, -2.0]), mx.array([0.5, 1.0, 2.0])
    normal = (rows - [1.0, 0.0, -2.0]) * [0.5, 1.0, 2.0]
    wanted = np.square(normal[:, None] - centers).sum(axis=2).argmin(axis=1)
    np.testing.assert_array_equal(chain.nearest(mx.array(rows.astype(np.float32))), wanted)
