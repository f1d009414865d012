"""What computes a factored model's networks for a search: alike, whatever it is."""

import dataclasses
from importlib import import_module

import mlx.core as mx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_rows import independent_rows
from examples import examples
from factored_models import OUTCOMES, SIZES, random_model, some_windows
from mlx_muzero import _core
from mlx_muzero.agent.backend_choice import BACKENDS
from mlx_muzero.backends.mlx_market import MlxMarket
from mlx_muzero.backends.native_market import NativeMarket
from mlx_muzero.config.known_inputs import KnownInputs
from mlx_muzero.config.schema import ModelConfig
from mlx_muzero.errors import SearchError
from mlx_muzero.search.market_evaluator import UNTOLD, KnownAhead

STATES = ("latent", "outcome_probs", "move", "worth", "cluster")


@pytest.fixture(scope="module")
def model():
    return random_model(exposures=(0.0, 0.5, 1.0, -0.5, -1.0))


@pytest.fixture(params=BACKENDS)
def market(model, request):
    return import_module(f"mlx_muzero.backends.{request.param}").BACKEND.market(model, 2)


@pytest.mark.parametrize("members", [1, 3])
def test_cpp_tells_what_all_members_tell_together(members):
    several = random_model(dataclasses.replace(SIZES, members=members))
    ours, native = MlxMarket(several), NativeMarket(several, 2)
    close(native.roots(some_windows(5)).latent, ours.roots(some_windows(5)).latent)
    for depth in (0, 2):
        one, other = (each.ahead(some_windows(5), depth) for each in (ours, native))
        close(one.root_worth, other.root_worth)
        close(one.leaf_worth, other.leaf_worth)
        for layer, twin in zip(one.layers, other.layers, strict=True):
            close(layer.outcome_probs, twin.outcome_probs)
            close(layer.move, twin.move)


TOLD = [KnownInputs(cost_pips=(1.0, 8.0)), KnownInputs(session_bars=30), KnownInputs(30, (0, 5))]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("known", TOLD)
def test_worth_depends_on_what_is_told_and_nothing_else_does(backend, members, known):
    """Whatever computes it: the model itself says what worth is, given each known input."""
    sizes = dataclasses.replace(SIZES, members=members)
    model = random_model(sizes, exposures=(0.0, 0.5, -1.0), known=known)
    market = import_module(f"mlx_muzero.backends.{backend}").BACKEND.market(model, 2)
    left, cost = np.array([29, 8, 1, 30, 15]), np.array([1.0, 8.0, 4.0, 0.0, 2.0])
    now, later = known.rows(left, cost), known.rows(left - 1, cost)
    latent = model.representation(mx.array(some_windows(5)))

    def wanted(latent, told):
        return np.array(model.worth(mx.array(latent), mx.array(told)))

    usual, roots = market.roots(some_windows(5)), market.roots(some_windows(5), now)
    close(usual.worth, wanted(latent, np.repeat(known.usual_row(), 5, axis=0)))
    close(roots.worth, wanted(latent, now))
    below = market.successors(roots.latent, later)
    close(below.worth, wanted(below.latent, np.repeat(later, OUTCOMES, axis=0)))
    for name in ("latent", "outcome_probs", "move"):
        close(getattr(roots, name), getattr(usual, name))
    np.testing.assert_array_equal(roots.cluster, usual.cluster)
    for depth in (0, 2):
        ahead, untold = (
            market.ahead(some_windows(5), depth, told) for told in (KnownAhead(now, later), UNTOLD)
        )
        close(ahead.root_worth, roots.worth)
        np.testing.assert_array_equal(ahead.leaf_cluster, untold.leaf_cluster)
        close(untold.root_worth, usual.worth)
    states = market.successors(market.successors(roots.latent).latent, np.repeat(later, 3, axis=0))
    close(ahead.leaf_worth, states.worth)


def test_cpp_refuses_known_inputs_of_another_shape():
    market = NativeMarket(random_model(known=TOLD[0]), 1)
    for wrong in (np.zeros((3, 2), np.float32), np.zeros((4, 1), np.float32)):
        with pytest.raises(SearchError, match="known has shape"):
            market.roots(some_windows(4), wrong)


def close(one, other):
    np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_a_state_tells_everything_of_itself(market):
    states = market.roots(some_windows(5))
    assert states.latent.shape == (5, SIZES.latent_width)
    assert states.move.shape == (5, OUTCOMES)
    assert states.worth.shape == (5, 5)
    assert states.cluster.dtype == np.int32
    close(states.outcome_probs.sum(axis=1), np.ones(5))


def test_the_successors_of_a_state_are_adjacent(market):
    roots = market.roots(some_windows(4))
    together = market.successors(roots.latent)
    for row in range(4):
        alone = market.successors(roots.latent[row : row + 1])
        here = slice(OUTCOMES * row, OUTCOMES * (row + 1))
        close(alone.latent, together.latent[here])
        close(alone.worth, together.worth[here])
    assert len(np.unique(together.latent, axis=0)) == 4 * OUTCOMES


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_what_lies_ahead_is_step_after_step(market, depth):
    observation = some_windows(3)
    ahead = market.ahead(observation, depth)
    states = market.roots(observation)
    close(ahead.root_worth, states.worth)
    assert len(ahead.layers) == depth
    assert ahead.states == 3 * sum(OUTCOMES**d for d in range(1, depth + 1))
    for layer in ahead.layers:
        close(layer.outcome_probs, states.outcome_probs)
        close(layer.move, states.move)
        states = market.successors(states.latent)
    close(ahead.leaf_worth, states.worth)
    np.testing.assert_array_equal(ahead.leaf_cluster, states.cluster)
    for array in (ahead.leaf_worth, ahead.root_worth):
        assert array.dtype == np.float64


@pytest.mark.parametrize("kernels", _core.kernels())
@examples(15)
@given(
    width=st.integers(2, 70),
    positions=st.integers(2, 7),
    history=st.lists(st.integers(0, 4), min_size=1, max_size=3, unique=True),
    clusters=st.integers(2, 40),
    roots=st.integers(1, 40),
)
def test_cpp_computes_what_mlx_does(kernels, width, positions, history, clusters, roots):
    exposures = np.linspace(-1.0, 1.0, positions)
    sizes = ModelConfig(kind="factored", latent_width=width, chain_states=clusters)
    model = random_model(sizes, exposures=exposures, history=history)
    observation = some_windows(roots)
    ours, theirs = NativeMarket(model, 1, kernels), MlxMarket(model)
    found, wanted = ours.roots(observation), theirs.roots(observation)
    for name in STATES[:-1]:
        np.testing.assert_allclose(
            getattr(found, name), getattr(wanted, name), rtol=1e-4, atol=1e-4
        )
    # Two clusters may be equally near but for rounding.
    assert (found.cluster == wanted.cluster).mean() > 0.9


@independent_rows
def test_a_state_in_cpp_has_the_same_bits_whatever_is_computed_beside_it(model):
    observation = some_windows(70)
    together = NativeMarket(model, 3).ahead(observation, 2)
    for row in (0, 33, 69):
        alone = NativeMarket(model, 1).ahead(observation[row : row + 1], 2)
        for depth, (one, other) in enumerate(zip(alone.layers, together.layers, strict=True)):
            inner = slice(row * OUTCOMES**depth, (row + 1) * OUTCOMES**depth)
            np.testing.assert_array_equal(one.move, other.move[inner])
            np.testing.assert_array_equal(one.outcome_probs, other.outcome_probs[inner])
        leaves = slice(row * OUTCOMES**2, (row + 1) * OUTCOMES**2)
        np.testing.assert_array_equal(alone.leaf_worth, together.leaf_worth[leaves])
        np.testing.assert_array_equal(alone.leaf_cluster, together.leaf_cluster[leaves])


def test_cpp_uses_new_weights_after_a_refresh():
    model = random_model()
    market = NativeMarket(model, 1)
    before = market.roots(some_windows()).worth
    model.usual.move_pips = mx.array(5.0)
    np.testing.assert_array_equal(market.roots(some_windows()).worth, before)
    market.refresh()
    close(market.roots(some_windows()).worth, 2.0 * before)


def test_cpp_names_a_parameter_that_it_does_not_know():
    model = random_model()
    model.worth_head.output.weight = mx.zeros((3, 9))
    with pytest.raises(SearchError, match=r"parameter worth_head\.output\.weight is \(3, 9\)"):
        NativeMarket(model, 1)


def test_cpp_refuses_what_is_no_window(model):
    market = NativeMarket(model, 1)
    for wrong in (some_windows()[:, 1:], some_windows()[0], some_windows(columns=4)):
        with pytest.raises(SearchError, match="observation has shape"):
            market.roots(wrong)
    with pytest.raises(SearchError, match="latent has shape"):
        market.successors(np.zeros((2, 3), np.float32))
    with pytest.raises(SearchError, match="too large"):
        market.ahead(some_windows(), 25)
