"""The host's side of programs: rows padded and split, logits decoded, successors in their slots."""

import mlx.core as mx
import numpy as np
import pytest

from exports import random_model, saved_program
from mlx_muzero.backends.mlx import MlxEvaluator
from mlx_muzero.errors import ExportError
from mlx_muzero.exports.interface import PROGRAMS_FOR, input_shapes, output_shapes
from mlx_muzero.exports.program_evaluator import ProgramEvaluator
from mlx_muzero.exports.rows import call
from mlx_muzero.exports.weights import sizes_of
from mlx_muzero.search import Leaves, Search, SearchParams, SingleLeaves
from mlx_muzero.trading.positions import FX_ACTIONS

ROOTS = 6


@pytest.fixture(scope="module")
def model():
    return random_model()


@pytest.fixture(scope="module")
def programs(model, tmp_path_factory):
    """Every program for 2 and for 5 rows, in float32."""
    return {
        name: {
            rows: saved_program(tmp_path_factory.mktemp("p"), name, model, rows, "fp32")
            for rows in (2, 5)
        }
        for name in ("initial", "recurrent", "afterstate", "dynamics")
    }


@pytest.fixture
def evaluator(programs, model):
    return ProgramEvaluator(programs, sizes_of(model))


@pytest.fixture(scope="module")
def observation(model):
    shape = (ROOTS, model.window_bars, model.features)
    return np.random.default_rng(2).normal(size=shape).astype(np.float32)


def close(got, wanted, atol=1e-5):
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, np.array(wanted), atol=atol)


def test_root_inference_is_the_models(evaluator, model, observation):
    latent, prior, value = evaluator.infer(observation)
    wanted = model.representation(mx.array(observation))
    wanted_prior, wanted_value = MlxEvaluator(model).predict(wanted)
    close(latent, wanted)
    close(prior, wanted_prior)
    close(value, wanted_value)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 6, 7, 12])
@pytest.mark.parametrize("mode", list(PROGRAMS_FOR))
def test_expansions_and_stored_latents_are_the_models(evaluator, model, observation, mode, count):
    random = np.random.default_rng(count)
    latent = evaluator.infer(observation)[0]
    slots, capacity = np.arange(ROOTS, dtype=np.int32), 100

    def leaves(first_slot, parents):
        parent = random.choice(parents, count).astype(np.int32)
        action, outcome = (random.integers(0, n, count).astype(np.int32) for n in (4, 3))
        tree = np.zeros(count, np.int32)
        if mode == "all_outcomes":
            slot = first_slot + np.arange(3 * count, dtype=np.int32).reshape(count, 3)
            return Leaves(tree, parent, action, slot)
        slot = first_slot + np.arange(count, dtype=np.int32)
        return SingleLeaves(tree, parent, action, tree, parent, action, outcome, slot)

    def expand(by):
        return by.expand if mode == "all_outcomes" else by.expand_single

    reference = MlxEvaluator(model)
    evaluator.reset(latent, slots, capacity)
    reference.reset(mx.array(latent), slots, capacity)
    for batch in (leaves(10, slots), leaves(60, np.arange(10, 10 + count))):
        got, wanted = expand(evaluator)(batch), expand(reference)(batch)
        for name in wanted.__slots__:
            close(getattr(got, name), getattr(wanted, name))


def test_either_group_of_single_nodes_may_be_empty(evaluator, observation):
    evaluator.reset(evaluator.infer(observation)[0], np.arange(ROOTS, dtype=np.int32), 20)
    none, one = np.zeros(0, np.int32), np.ones(1, np.int32)
    chance = evaluator.expand_single(SingleLeaves(one, one, one, none, none, none, none, none))
    assert chance.outcome_probs.shape == (1, 3)
    assert chance.prior.shape == (0, 4)
    decision = evaluator.expand_single(SingleLeaves(none, none, none, one, one, one, one, one))
    assert decision.outcome_probs.shape == (0, 3)
    assert decision.value.shape == (1,)


@pytest.mark.parametrize("mode", list(PROGRAMS_FOR))
def test_a_search_is_that_with_the_model(evaluator, model, observation, mode):
    search = Search(SearchParams(num_simulations=20, expansion=mode), FX_ACTIONS.next_position, 3)
    position, seed = np.arange(ROOTS, dtype=np.int32) % 3, np.zeros(ROOTS, np.uint64)
    latent, prior, value = evaluator.infer(observation)
    own = search.run(evaluator, latent, prior, value, position, seed, noise=False)
    reference = MlxEvaluator(model)
    model_latent = model.representation(mx.array(observation))
    prior, value = reference.predict(model_latent)
    wanted = search.run(reference, model_latent, prior, value, position, seed, noise=False)
    np.testing.assert_array_equal(own.visits, wanted.visits)
    close(own.value, wanted.value, atol=1e-4)


class Recorder:
    """A program that notes its inputs and answers zeros of `shapes`."""

    def __init__(self, shapes):
        self.shapes, self.calls = shapes, []

    def __call__(self, inputs):
        self.calls.append(inputs)
        return {name: np.zeros(shape, np.float32) for name, shape in self.shapes.items()}


@pytest.mark.parametrize(
    ("count", "rows"),
    [(0, []), (1, [1]), (2, [8]), (8, [8]), (9, [8, 1]), (17, [8, 8, 1]), (18, [8, 8, 8])],
)
def test_rows_go_to_few_calls_of_the_least_size(model, count, rows):
    sizes = sizes_of(model)
    programs = {n: Recorder(output_shapes("recurrent", sizes, n)) for n in (1, 8)}
    latent = np.arange(1, 12 * count + 1, dtype=np.float32).reshape(count, 12)
    action = np.ones((count, 4), np.float32)
    out = call(programs, "recurrent", sizes, {"latent": latent, "action": action})
    assert out["next_latent"].shape == (count, 3, 12)
    assert out["outcome_logits"].shape == (count, 1, 3)
    calls = programs[8].calls + programs[1].calls
    assert [inputs["latent"].shape[-1] for inputs in calls] == rows
    for inputs in calls:
        shapes = input_shapes("recurrent", sizes, inputs["latent"].shape[-1])
        for name, shape in shapes.items():
            assert inputs[name].shape == shape
            assert inputs[name].dtype == np.float32
            assert inputs[name].flags.c_contiguous
            assert inputs[name].flags.writeable
    if calls:
        columns = np.concatenate([inputs["latent"][0, :, 0].T for inputs in calls])
        np.testing.assert_array_equal(columns[:count], latent)
        assert not columns[count:].any()


@pytest.mark.parametrize("change", [{"reward": (1, 1, 1, 1)}, {"reward": None}])
def test_an_output_of_another_shape_is_named(model, change):
    """Core ML has been seen to shrink a batch to one row without a word."""
    sizes = sizes_of(model)
    shapes = {k: v for k, v in (output_shapes("dynamics", sizes, 8) | change).items() if v}
    inputs = {
        name: np.zeros((3, n), np.float32)
        for name, n in (("latent", 12), ("action", 4), ("outcome", 3))
    }
    with pytest.raises(ExportError, match=r"dynamics, 8 rows: output reward is .* not \(1, 1, 1"):
        call({8: Recorder(shapes)}, "dynamics", sizes, inputs)
