"""One training step: every loss by its definition, masking, learning, divergence."""

import dataclasses

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlx.utils import tree_flatten, tree_map

from examples import examples
from mlx_muzero.backends.native import NativeEncoder
from mlx_muzero.errors import ConfigError, SearchError, TrainingDiverged
from mlx_muzero.market.observation.outcomes import OUTCOME_NAMES
from mlx_muzero.networks import closed_form
from mlx_muzero.profiling.subject import with_random_heads
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.trading.env import observation_features
from mlx_muzero.training.learner import _PART, Learner, _sum_of_squares
from mlx_muzero.training.losses import DeviceBatch, loss_terms, losses
from mlx_muzero.training.models import build_model
from mlx_muzero.training.targets import Batch

ROWS, STEPS = 6, 3
LOSS_TERMS = ("policy", "value", "reward", "outcome", "afterstate", "consistency")
VALID = np.ones((ROWS, STEPS + 1), np.float32)
VALID[1, 2:] = VALID[4, 1:] = 0.0


@pytest.fixture
def config(small_config):
    """Without dropout, so that a loss can be computed twice."""
    return dataclasses.replace(
        small_config, model=dataclasses.replace(small_config.model, dropout=0.0)
    )


def fresh_model(config):
    """The same weights at every call; a training pass moves batch norm's statistics."""
    return with_random_heads(build_model(config, TradingRules.from_config(config).table))


@pytest.fixture
def model(config):
    return fresh_model(config)


BATCH_CONTENT = (
    "observation",
    "action",
    "outcome",
    "reward",
    "policy",
    "value",
    "afterstate_value",
)


def random_batch(config, seed=0, valid=VALID):
    rng = np.random.default_rng(seed)
    policy = rng.random((ROWS, STEPS + 1, 4)) + 0.1
    shape = (ROWS, STEPS + 1, config.market.window_bars, len(observation_features(config)))
    return Batch(
        observation=rng.normal(size=shape).astype(np.float32),
        action=rng.integers(0, 4, (ROWS, STEPS)).astype(np.int32),
        outcome=rng.integers(0, len(OUTCOME_NAMES), (ROWS, STEPS)).astype(np.int32),
        reward=rng.normal(size=(ROWS, STEPS)).astype(np.float32),
        policy=(policy / policy.sum(axis=-1, keepdims=True)).astype(np.float32),
        value=rng.uniform(-35, 35, (ROWS, STEPS + 1)).astype(np.float32),
        afterstate_value=rng.uniform(-35, 35, (ROWS, STEPS)).astype(np.float32),
        valid=valid,
    )


def losses_of(model, batch, config):
    model.train()
    found = {
        term: loss.item()
        for term, loss in losses(model, DeviceBatch.of(batch), config.train).items()
    }
    model.eval()
    return found


def cross_entropy(target, logits):
    logits = logits - logits.max()
    return -(target * (logits - np.log(np.exp(logits).sum()))).sum()


def two_hot(value, config):
    """Linear interpolation between the two bins around `value`."""
    bins = config.model.value_bins
    spacing = (config.model.value_max - config.model.value_min) / (bins - 1)
    place = np.clip((value - config.model.value_min) / spacing, 0, bins - 1)
    low = min(int(place), bins - 2)
    weights = np.zeros(bins)
    weights[low : low + 2] = [1 - (place - low), place - low]
    return weights


def expected_losses(model, batch, config):
    """The definitions, one row and one step at a time, in float64."""
    terms = {term: [] for term in LOSS_TERMS}

    def heads(head, latent, *inputs):
        out = head(latent[None], *(mx.array([int(one)]) for one in inputs))
        return [np.array(o[0], np.float64) for o in (out if isinstance(out, tuple) else (out,))]

    model.train()  # batch norm uses the statistics of the first windows, and learns them
    first = model.representation(mx.array(batch.observation[:, 0]))
    model.eval()
    real = [model.representation(mx.array(batch.observation[:, k])) for k in range(STEPS + 1)]
    for row in range(ROWS):
        latent = first[row]
        for k in range(STEPS + 1):
            if not batch.valid[row, k]:
                break
            if k > 0:
                ours, theirs = (np.array(z, np.float64) for z in (latent, real[k][row]))
                cosine = ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs)
                terms["consistency"].append(1 - cosine)
            terms["policy"].append(
                cross_entropy(batch.policy[row, k], *heads(model.policy_logits, latent))
            )
            target = two_hot(batch.value[row, k], config)
            terms["value"].append(cross_entropy(target, *heads(model.value_logits, latent)))
            if k == STEPS:
                break
            action, outcome = batch.action[row, k], batch.outcome[row, k]
            (logits,) = heads(model.outcome_logits, latent, action)
            terms["outcome"].append(cross_entropy(np.eye(len(OUTCOME_NAMES))[outcome], logits))
            afterstate = model.afterstate(latent[None], mx.array([int(action)]))[0]
            target = two_hot(batch.afterstate_value[row, k], config)
            terms["afterstate"].append(
                cross_entropy(target, *heads(model.value_logits, afterstate))
            )
            moved, reward = heads(model.dynamics, latent, action, outcome)
            terms["reward"].append((reward - batch.reward[row, k]) ** 2)
            latent = mx.array(moved.astype(np.float32))
    return {term: np.mean(values) for term, values in terms.items()}


def test_every_loss_is_what_its_definition_says(config):
    batch = random_batch(config)
    expected = expected_losses(fresh_model(config), batch, config)
    found = losses_of(fresh_model(config), batch, config)
    for term in LOSS_TERMS:
        assert found[term] == pytest.approx(expected[term], rel=2e-4, abs=1e-5), term


def test_a_loss_without_weight_is_not_computed(config, model, monkeypatch):
    light = dataclasses.replace(config.train, afterstate_weight=0.0)
    monkeypatch.delattr(type(model), "afterstate")
    learner = Learner(model, light)
    before = {n: np.array(a) for n, a in tree_flatten(model.afterstate_network.parameters())}
    report = learner.step(random_batch(config))
    assert tuple(report.losses) == loss_terms(light, model)
    assert "afterstate" not in report.losses
    for name, array in tree_flatten(model.afterstate_network.parameters()):
        np.testing.assert_allclose(np.array(array), before[name], rtol=1e-6, err_msg=name)


def test_a_configuration_that_learns_nothing_is_refused(config, model):
    weightless = dataclasses.replace(config.train, **{f"{term}_weight": 0.0 for term in LOSS_TERMS})
    with pytest.raises(ConfigError, match="every loss has weight 0"):
        Learner(model, weightless)


def test_mean_squared_error_is_an_option_for_the_value(config, model):
    mse = dataclasses.replace(config, train=dataclasses.replace(config.train, value_loss="mse"))
    batch = dataclasses.replace(random_batch(config), valid=np.ones((ROWS, STEPS + 1), np.float32))
    one_step = dataclasses.replace(
        batch,
        **{
            name: getattr(batch, name)[:, :1]
            for name in ("action", "outcome", "reward", "afterstate_value")
        },
        **{
            name: getattr(batch, name)[:, :2]
            for name in ("observation", "policy", "value", "valid")
        },
    )
    one_step.valid[:, 1] = 0.0
    model.train()
    predicted = np.array(model.value(model.representation(mx.array(batch.observation[:, 0]))))
    found = losses_of(model, one_step, mse)["value"]
    assert found == pytest.approx(((predicted - batch.value[:, 0]) ** 2).mean(), rel=1e-4)


def gradients(config, batch, model=None):
    model = model or fresh_model(config)
    model.train()
    device = DeviceBatch.of(batch)

    def total():
        return sum(losses(model, device, config.train).values())

    value, tree = nn.value_and_grad(model, total)()
    return {"loss": np.array(value), **{n: np.array(g) for n, g in tree_flatten(tree)}}


def test_what_lies_outside_the_session_has_no_influence(config):
    batch, other = random_batch(config), random_batch(config, seed=1)
    changed = {"valid": batch.valid}
    for name in BATCH_CONTENT:
        mine, theirs = getattr(batch, name).copy(), getattr(other, name)
        outside = batch.valid[:, : mine.shape[1]] == 0
        mine[outside] = theirs[outside]
        assert not np.array_equal(mine, getattr(batch, name))
        changed[name] = mine
    one, two = (gradients(config, b) for b in (batch, Batch(**changed)))
    for name, gradient in one.items():
        np.testing.assert_array_equal(gradient, two[name], err_msg=name)


def test_what_lies_inside_the_session_has_influence(config):
    batch, other = random_batch(config), random_batch(config, seed=1)
    before = gradients(config, batch)["loss"]
    for name in BATCH_CONTENT:
        mine = getattr(batch, name).copy()
        mine[1, 1], kept = getattr(other, name)[0, 0], mine[1, 1].copy()
        if np.array_equal(mine[1, 1], kept):
            mine[1, 1] = (kept + 1) % 3
        changed = dataclasses.replace(batch, **{name: mine})
        assert gradients(config, changed)["loss"] != before, name


def test_no_gradient_flows_into_the_latents_of_real_windows(config, model):
    only = dataclasses.replace(
        config.train,
        **{f"{term}_weight": float(term == "consistency") for term in LOSS_TERMS},
    )
    batch = DeviceBatch.of(random_batch(config))

    def consistency(windows):
        return losses(model, batch._replace(observation=windows), only)["consistency"]

    flow = np.array(mx.grad(consistency)(batch.observation))
    assert np.abs(flow[0]).max() > 0
    assert np.abs(flow[1:]).max() == 0


def test_a_latent_of_zeros_gives_a_finite_gradient(config, model):
    """ReLU may leave nothing of a latent; the cosine to it must not be NaN backwards."""
    model.dynamics_network.update(tree_map(mx.zeros_like, model.dynamics_network.parameters()))
    found = gradients(config, random_batch(config), model)
    for name, gradient in found.items():
        assert np.isfinite(gradient).all(), name


def test_one_batch_can_be_learned_by_heart(config, model):
    train = dataclasses.replace(config.train, learning_rate=0.01)
    batch = random_batch(config)
    learner = Learner(model, train)
    reports = [learner.step(batch) for _ in range(25)]
    for term in ("policy", "value", "reward", "outcome", "afterstate"):
        assert reports[-1].losses[term] < reports[0].losses[term], term
    assert reports[-1].total < 0.8 * reports[0].total
    assert reports[0].total == pytest.approx(
        sum(getattr(train, f"{term}_weight") * reports[0].losses[term] for term in LOSS_TERMS),
        rel=1e-5,
    )
    outside = (np.abs(batch.value) > config.model.value_max).mean()
    assert reports[0].overflow_frac == pytest.approx(outside)


def statistics(model):
    named = dict(tree_flatten(model.parameters()))
    return {name: np.array(array) for name, array in named.items() if "running" in name}


def test_batch_norm_statistics_move_in_training_only(config, model):
    batch = random_batch(config)
    learner = Learner(model, config.train)
    fresh = statistics(model)
    assert fresh
    learner.step(batch)
    moved = statistics(model)
    assert all(not np.array_equal(fresh[name], moved[name]) for name in fresh)
    mx.eval(model.representation(mx.array(batch.observation[:, 0])))
    assert not model.training
    for name, array in statistics(model).items():
        np.testing.assert_array_equal(array, moved[name], err_msg=name)


def test_the_same_step_twice_is_the_same(small_config):
    """Dropout included: its key is the run's seed and the number of the step."""
    table = TradingRules.from_config(small_config).table
    weights = []
    for _ in range(2):
        learner = Learner(build_model(small_config, table), small_config.train)
        for seed in range(2):
            learner.step(random_batch(small_config, seed))
        weights.append({n: np.array(a) for n, a in learner.arrays()[0].items()})
    for name, array in weights[0].items():
        np.testing.assert_array_equal(array, weights[1][name], err_msg=name)


@pytest.mark.parametrize("encoder", ["tcn", "resnet", "transformer"])
def test_two_cores_learn_what_one_does(small_config, encoder, monkeypatch):
    """To the last bit, dropout and moments included, with a part of the work really set aside."""
    model = dataclasses.replace(small_config.model, encoder=encoder, dropout=0.2)
    config = dataclasses.replace(small_config, model=model)
    alone, shared = (
        Learner(fresh_model(config), config.train, two_cores=two) for two in (False, True)
    )
    aside, streams = mx.stream, list[mx.Stream]()
    monkeypatch.setattr(mx, "stream", lambda stream: streams.append(stream) or aside(stream))
    for seed, least in enumerate((10, 10, 1, 1)):  # recorded by the third
        batch = random_batch(config, seed)
        one = alone.step(batch)
        assert not streams
        assert shared.step(batch) == one
        assert len(streams) >= least
        assert streams[0] != mx.default_stream(mx.cpu)
        streams.clear()
    for mine, theirs in zip(alone.arrays(), shared.arrays(), strict=True):
        for name, array in mine.items():
            np.testing.assert_array_equal(np.array(array), np.array(theirs[name]), name)


@pytest.mark.parametrize("encoder", ["tcn", "resnet", "transformer"])
def test_recorded_operations_learn_what_those_made_anew_do(small_config, encoder, monkeypatch):
    """To the last bit, dropout, statistics and moments included."""
    model = dataclasses.replace(small_config.model, encoder=encoder, dropout=0.2)
    config = dataclasses.replace(small_config, model=model)
    again, anew = (Learner(fresh_model(config), config.train) for _ in range(2))
    anew._gradient = anew._eager_gradient
    for seed in range(4):
        batch = random_batch(config, seed)
        if seed == 2:  # recorded by now
            monkeypatch.setattr(again._objective, "losses", None)
        assert again.step(batch) == anew.step(batch)
    for mine, theirs in zip(again.arrays(), anew.arrays(), strict=True):
        for name, array in mine.items():
            np.testing.assert_array_equal(np.array(array), np.array(theirs[name]), name)


def test_what_was_drawn_ahead_is_for_one_step_alone(small_config):
    """A learner that goes back drops the units of the step that it goes back to."""
    model = dataclasses.replace(small_config.model, dropout=0.2)
    config = dataclasses.replace(small_config, model=model)
    learner = Learner(fresh_model(config), config.train, two_cores=True)
    batch = random_batch(config)
    for _ in range(2):
        learner.step(batch)
    saved = [dict(arrays) for arrays in learner.arrays()]
    expected = [learner.step(batch) for _ in range(3)]
    learner.restore(*saved)
    learner.steps = 2
    assert [learner.step(batch) for _ in range(3)] == expected


@pytest.mark.parametrize("two_cores", [False, True])
def test_something_is_done_meanwhile_only_beside_a_second_core(config, model, two_cores):
    called = []
    learner = Learner(model, config.train, two_cores=two_cores)
    learner.step(random_batch(config), lambda: called.append(learner.steps))
    assert called == [0] * two_cores


@given(st.lists(st.integers(0, 3 * _PART), min_size=1, max_size=2), st.integers(0, 9))
@examples(15)
def test_a_sum_of_squares_is_that_of_one_vector(lengths, seed):
    """To the last bit, wherever the halves meet."""
    rng = np.random.default_rng(seed)
    halves = [mx.array(rng.normal(size=length).astype(np.float32)) for length in lengths]
    together = mx.concatenate(halves)
    whole = len(together) // _PART * _PART
    rows = together[:whole].reshape(-1, 1, _PART)
    expected = (rows @ rows.transpose(0, 2, 1)).sum() + mx.square(together[whole:]).sum()
    assert _sum_of_squares(halves).item() == expected.item()


@pytest.mark.parametrize("two_cores", [False, True])
def test_a_fault_of_the_encoder_is_one_of_the_step(config, model, monkeypatch, two_cores):
    learner = Learner(model, config.train, two_cores=two_cores)

    def fail(_encoder, _windows):
        raise SearchError("no latents")

    monkeypatch.setattr(NativeEncoder, "__call__", fail)
    with pytest.raises(SearchError, match="no latents"):
        learner.step(random_batch(config))


@pytest.mark.slow
def test_the_compiled_step_does_what_the_eager_one_does(small_config, monkeypatch):
    """By the passes of a GPU, where it is compiled: a CPU's dropout is drawn by NumPy."""
    monkeypatch.setattr(closed_form, "on_cpu", lambda: False)
    table = TradingRules.from_config(small_config).table
    eager, compiled = (
        Learner(build_model(small_config, table), small_config.train) for _ in range(2)
    )
    compiled._step = mx.compile(
        compiled._eager_step, inputs=compiled._state, outputs=compiled._state
    )
    for seed in range(3):
        one, two = (learner.step(random_batch(small_config, seed)) for learner in (eager, compiled))
        assert two.total == pytest.approx(one.total, rel=1e-4)
        assert two.gradient_norm == pytest.approx(one.gradient_norm, rel=1e-3)
    for (name, a), b in zip(eager.arrays()[0].items(), compiled.arrays()[0].values(), strict=True):
        np.testing.assert_allclose(np.array(a), np.array(b), atol=1e-3, err_msg=name)


@pytest.mark.parametrize(
    ("poisoned", "named"),
    [
        ("reward", "loss NaN or infinite: reward"),
        ("value", "loss NaN or infinite: value"),
        ("afterstate_value", "loss NaN or infinite: afterstate"),
        ("policy", "loss NaN or infinite: policy"),
        ("observation", "loss NaN or infinite: policy, value, reward"),
    ],
)
def test_a_poisoned_batch_is_named_by_what_it_spoils(config, model, poisoned, named):
    batch = random_batch(config)
    getattr(batch, poisoned)[0, 0] = np.nan
    with pytest.raises(TrainingDiverged, match=rf"training step 1: {named}"):
        Learner(model, config.train).step(batch)


def test_an_infinite_gradient_is_named_by_its_parameter(config, model, monkeypatch):
    learner = Learner(model, config.train)
    names = [name for name, _ in tree_flatten(model.trainable_parameters())]
    spoiled = next(name for name in names if name.startswith("value_network"))
    unspoiled = mx.value_and_grad

    def value_and_grad(function):
        def spoil(parameters):
            value, gradients = unspoiled(function)(parameters)
            gradients[names.index(spoiled)] *= mx.inf
            return value, gradients

        return spoil

    monkeypatch.setattr(mx, "value_and_grad", value_and_grad)
    with pytest.raises(TrainingDiverged, match=f"gradient NaN or infinite: {spoiled}\\."):
        learner.step(random_batch(config))


def test_a_weight_that_overflows_is_named_before_it_is_saved(config, model):
    learner = Learner(model, dataclasses.replace(config.train, learning_rate=1e39))
    learner.step(random_batch(config))
    with pytest.raises(
        TrainingDiverged, match=r"weight NaN or infinite: \w+_network\..* and \d+ more"
    ):
        learner.arrays()
    with pytest.raises(TrainingDiverged, match="loss NaN or infinite"):
        learner.step(random_batch(config))


@pytest.mark.parametrize("two_cores", [False, True])
def test_training_goes_on_from_saved_arrays(config, two_cores):
    table = TradingRules.from_config(config).table
    one, two = (
        Learner(build_model(config, table), config.train, two_cores=two_cores) for _ in range(2)
    )
    one.step(random_batch(config, 0))
    two.restore(*one.arrays())
    two.steps = one.steps
    for learner in (one, two):
        learner.step(random_batch(config, 1))
    for mine, theirs in zip(one.arrays(), two.arrays(), strict=True):
        assert mine.keys() == theirs.keys()
        for name, array in mine.items():
            np.testing.assert_array_equal(np.array(array), np.array(theirs[name]), err_msg=name)
