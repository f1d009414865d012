"""The native backend: the model's numbers, the same bits whatever is computed beside them."""

import dataclasses
from types import SimpleNamespace

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlx.utils import tree_flatten

from core_rows import independent_rows
from examples import examples
from mlx_muzero import _core
from mlx_muzero.backends.mlx import MlxEvaluator
from mlx_muzero.backends.native import NativeEvaluator
from mlx_muzero.config.presets import FX_MICRO
from mlx_muzero.errors import SearchError
from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.profiling.subject import with_random_heads
from mlx_muzero.search import Leaves, Search, SearchParams, SingleLeaves
from runs import ran_through

POSITIONS = np.array([[0, 1, 2, -1], [1, -1, -1, 0], [2, -1, -1, 0]], np.int32)
MODES = ["all_outcomes", "single_outcome"]
SMALL = {"latent_width": 24, "value_bins": 31, "value_min": -3.0, "value_max": 3.0}
KERNELS = _core.kernels()


def new_model(actions=4, outcomes=3, seed=0, **sizes):
    config = dataclasses.replace(FX_MICRO.model, **{"parameters": 0, "tcn_channels": 8} | sizes)
    model = with_random_heads(
        StochasticMuZero(
            config, features=5, actions=actions, outcomes=outcomes, window_bars=4, seed=seed
        )
    )
    model.eval()
    mx.eval(model.parameters())
    return model


@pytest.fixture(scope="module")
def small():
    return new_model(**SMALL)


@pytest.fixture(scope="module")
def fx_micro():
    return new_model(tcn_channels=48)


def latents_of(model, rows, seed=0):
    """Latents as networks make them: normalized, some entries zero."""
    random = np.random.default_rng(seed)
    latents = random.normal(size=(rows, model.config.latent_width))
    return mx.array(np.maximum(latents, 0.0).astype(np.float32))


def random_leaves(model, rows, seed=0):
    """Leaves below `rows` roots in slots 0 .. rows - 1, successors after them."""
    random = np.random.default_rng(seed)
    parent, action = np.arange(rows), random.integers(0, model.actions, rows)
    outcome = random.integers(0, model.outcomes, rows)
    slot = rows + np.arange(rows * model.outcomes).reshape(rows, model.outcomes)
    columns = [a.astype(np.int32) for a in (parent, parent, action, outcome, slot)]
    tree, parent, action, outcome, slot = columns
    every = Leaves(tree, parent, action, slot)
    single = SingleLeaves(tree, parent, action, tree, parent, action, outcome, slot[:, 0].copy())
    return every, single


def expansions(evaluator, model, rows, seed=0):
    """What is predicted of roots, both kinds of expansion, and the expansion one step below."""
    every, single = random_leaves(model, rows, seed)
    latents = latents_of(model, rows, seed)
    evaluator.reset(latents, every.parent, rows * (1 + model.outcomes))
    found = [evaluator.expand_single(single), evaluator.expand(every)]
    below = Leaves(every.tree, every.slot[:, -1].copy(), every.action, every.slot)
    found.append(evaluator.expand(below))
    prior, value = evaluator.predict(latents)
    return {"root.prior": prior, "root.value": value} | {
        f"{step}.{name}": array
        for step, one in enumerate(found)
        for name, array in dataclasses.asdict(one).items()
    }


def assert_close(got, wanted):
    """Within 1e-4 of each array's scale, and of 1 where that is smaller."""
    assert got.keys() == wanted.keys()
    for name in got:
        assert got[name].dtype == np.float32
        assert got[name].shape == wanted[name].shape
        scale = max(1.0, np.abs(wanted[name]).max(initial=0.0))
        np.testing.assert_allclose(got[name], wanted[name], rtol=0, atol=1e-4 * scale, err_msg=name)


def run(model, evaluator, mode, roots, threads=1, simulations=20, rows=slice(None), **changes):
    """What `searched` finds."""
    return searched(model, evaluator, mode, roots, threads, simulations, rows, **changes).result()


def searched(model, evaluator, mode, roots, threads=1, simulations=20, rows=slice(None), **changes):
    """A finished search of some of `roots` roots, alike whatever the rows beside them."""
    random = np.random.default_rng(5)
    prior = random.dirichlet(np.ones(4), roots).astype(np.float32)
    value = random.normal(size=roots).astype(np.float32)
    constants = {"num_simulations": simulations, "expansion": mode, "depth_limit": 4}
    params = SearchParams(**constants | changes)
    index = np.arange(roots)[rows]
    search = Search(params, POSITIONS, model.outcomes, threads)
    search.run(
        evaluator,
        latents_of(model, roots)[mx.array(index)],
        prior[rows],
        value[rows],
        (index % 3).astype(np.int32),
        index.astype(np.uint64),
        noise=True,
    )
    return search


# Not two wide: LayerNorm makes a sign of two numbers, and no bound holds where they nearly agree.
@given(
    width=st.sampled_from([5, 7, 16, 24, 33, 64]),
    actions=st.integers(1, 7),
    outcomes=st.integers(1, 5),
    bins=st.sampled_from([3, 31, 40]),
    blocks=st.lists(st.integers(0, 2), min_size=5, max_size=5),
    rows=st.integers(1, 30),
    seed=st.integers(0, 1000),
)
@examples(20)
def test_expansions_are_the_models(width, actions, outcomes, bins, blocks, rows, seed):
    names = ("outcome", "dynamics", "policy", "value", "afterstate")
    model = new_model(
        actions,
        outcomes,
        seed,
        latent_width=width,
        value_bins=bins,
        **{f"{name}_blocks": count for name, count in zip(names, blocks, strict=True)},
    )
    assert_close(
        expansions(NativeEvaluator(model), model, rows, seed),
        expansions(MlxEvaluator(model), model, rows, seed),
    )


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("rows", [1, 16])
def test_expansions_of_fx_micro_are_the_models(fx_micro, rows, kernels):
    assert_close(
        expansions(NativeEvaluator(fx_micro, kernels), fx_micro, rows),
        expansions(MlxEvaluator(fx_micro), fx_micro, rows),
    )


def test_expansions_of_a_trained_model_are_the_models(tmp_path, small_config):
    blocks = ("outcome", "dynamics", "policy", "value", "afterstate")
    sizes = {"latent_width": 64, **{f"{name}_blocks": 2 for name in blocks}}
    config = dataclasses.replace(
        small_config, model=dataclasses.replace(small_config.model, **sizes)
    )
    model = ran_through(config, tmp_path).state.learner.model
    model.eval()
    assert_close(
        expansions(NativeEvaluator(model), model, 16), expansions(MlxEvaluator(model), model, 16)
    )


def test_unknown_kernels_are_refused(small):
    with pytest.raises(SearchError, match='no kernels named "SSE9"'):
        NativeEvaluator(small, "SSE9")


@pytest.mark.parametrize("mode", MODES)
def test_searches_on_both_backends_agree(fx_micro, mode):
    native = run(fx_micro, NativeEvaluator(fx_micro), mode, roots=12, simulations=12)
    mlx = run(fx_micro, MlxEvaluator(fx_micro), mode, roots=12, simulations=12)
    assert (native.visits == mlx.visits).all(axis=1).mean() > 0.9
    same = (native.visits == mlx.visits).all(axis=1)
    np.testing.assert_allclose(native.value[same], mlx.value[same], rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("roots", [1, 5, 16, 37])
@pytest.mark.parametrize("mode", MODES)
def test_the_number_of_threads_changes_no_bit(small, mode, roots):
    """Though threads take up whichever trees wait; 9 are more than there are cores or trees."""
    evaluator = NativeEvaluator(small)
    one, *others = (run(small, evaluator, mode, roots, threads) for threads in (1, 2, 3, 9))
    for other in others:
        for name in ("visits", "value", "q", "prior"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize("changes", [{"leaves_per_step": 6}, {"root": "gumbel"}])
@pytest.mark.parametrize("mode", MODES)
def test_nor_does_it_with_other_rules(small, mode, changes):
    evaluator = NativeEvaluator(small)
    one, other = (run(small, evaluator, mode, 13, threads, **changes) for threads in (1, 4))
    np.testing.assert_array_equal(one.visits, other.visits)
    np.testing.assert_array_equal(one.q, other.q)


@independent_rows
@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("mode", MODES)
def test_a_root_alone_has_the_bits_it_has_in_a_batch(fx_micro, mode, kernels):
    evaluator = NativeEvaluator(fx_micro, kernels)
    together = run(fx_micro, evaluator, mode, 16, threads=2)
    for rows in (slice(0, 1), slice(15, 16), slice(3, 12)):
        alone = run(fx_micro, evaluator, mode, 16, rows=rows)
        for name in ("visits", "value", "q"):
            np.testing.assert_array_equal(getattr(alone, name), getattr(together, name)[rows])


@independent_rows
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("depth_limit", [1, 2, 4])
@pytest.mark.parametrize("changes", [{}, {"leaves_per_step": 6}, {"root": "gumbel"}])
def test_one_call_does_what_step_by_step_does(small, mode, depth_limit, changes):
    """Though it leaves out what no walk chooses by: step by step everything is evaluated."""
    evaluator = NativeEvaluator(small)
    steps = SimpleNamespace(  # without `core`, which C++ would call itself
        reset=evaluator.reset, expand=evaluator.expand, expand_single=evaluator.expand_single
    )
    one, other = (
        searched(small, by, mode, 9, depth_limit=depth_limit, **changes)
        for by in (evaluator, steps)
    )
    for b in range(9):
        for name, column in dataclasses.asdict(one.tree(b)).items():
            np.testing.assert_array_equal(column, getattr(other.tree(b), name), name)
    one, other = one.result(), other.result()
    for name in ("visits", "value", "q", "prior", "policy", "action"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), name)
    left_out = ("policies", "chances")
    for name, count in dataclasses.asdict(one.statistics).items():
        if name not in left_out:
            np.testing.assert_array_equal(count, getattr(other.statistics, name), name)
    for name in left_out:
        used = getattr(one.statistics, f"{name}_used")
        np.testing.assert_array_equal(getattr(one.statistics, name), used)
        assert (getattr(other.statistics, name) >= used).all()


def test_new_weights_count_after_a_refresh():
    model = new_model(**SMALL)
    evaluator = NativeEvaluator(model)
    before = expansions(evaluator, model, 3)
    changed = new_model(**SMALL, seed=9)
    model.load_weights(tree_flatten(changed.parameters()))
    np.testing.assert_array_equal(expansions(evaluator, model, 3)["0.value"], before["0.value"])
    evaluator.refresh()
    assert_close(expansions(evaluator, model, 3), expansions(MlxEvaluator(changed), model, 3))


def spoil(module, name, shape):
    setattr(module, name, mx.zeros(shape))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda m: spoil(m.value_network.logits, "weight", (31, 7)),
            r"parameter value_network\.logits\.weight is \(31, 7\), expected \(31, 24\)",
        ),
        (
            lambda m: m.policy_network.logits.pop("bias"),
            r"parameter policy_network\.logits\.bias is missing, expected \(4,\)",
        ),
        (
            lambda m: setattr(m.outcome_network, "extra", nn.Linear(2, 3)),
            r"parameter outcome_network\.extra\.bias is \(3,\), expected none",
        ),
    ],
)
def test_a_model_it_cannot_represent_is_refused(change, message):
    model = new_model(**SMALL)
    change(model)
    with pytest.raises(SearchError, match=message):
        NativeEvaluator(model)


@pytest.mark.parametrize(
    ("mode", "spoilt", "message"),
    [
        ("all_outcomes", "dynamics_network.reward", r"reward of root 0, action \d .* is nan"),
        ("all_outcomes", "value_network.logits", r"value of root 0, action \d .* is nan"),
        ("single_outcome", "outcome_network.logits", r"outcome_probs of root \d, .* is nan"),
        ("all_outcomes", "policy_network.logits", r"prior of root \d, state \d+ .* is nan"),
        ("single_outcome", "policy_network.logits", r"prior of root \d, state \d+ .* is nan"),
    ],
)
@pytest.mark.parametrize("threads", [1, 2, 9])
def test_nan_is_named_and_the_evaluator_stays_usable(mode, spoilt, message, threads):
    model = new_model(**SMALL)
    evaluator = NativeEvaluator(model)
    network, head = spoilt.split(".")
    layer = model[network][head]
    good = layer.weight
    layer.weight = mx.full(good.shape, float("nan"))
    evaluator.refresh()
    with pytest.raises(SearchError, match=message):
        run(model, evaluator, mode, 9, threads)
    layer.weight = good
    evaluator.refresh()
    assert (run(model, evaluator, mode, 9, threads).visits.sum(axis=1) == 20).all()


def test_leaves_that_do_not_exist_are_refused(small):
    evaluator = NativeEvaluator(small)
    every, single = random_leaves(small, 2)
    evaluator.reset(latents_of(small, 2), every.parent, 8)
    with pytest.raises(SearchError, match=r"action 4 of a leaf is not in 0 \.\. 3"):
        evaluator.expand(dataclasses.replace(every, action=np.array([0, 4], np.int32)))
    with pytest.raises(SearchError, match="parent slot -1"):
        evaluator.expand(dataclasses.replace(every, parent=np.array([0, -1], np.int32)))
    with pytest.raises(SearchError, match="slot 8"):
        evaluator.expand_single(dataclasses.replace(single, slot=np.array([2, 8], np.int32)))
    with pytest.raises(SearchError, match="outcome 3"):
        evaluator.expand_single(dataclasses.replace(single, outcome=np.array([0, 3], np.int32)))
    with pytest.raises(SearchError, match="root slot 9"):
        evaluator.reset(latents_of(small, 2), np.array([0, 9], np.int32), 8)
    with pytest.raises(SearchError, match="root_latents has shape"):
        evaluator.reset(mx.zeros((2, 3)), every.parent, 8)


def test_a_search_of_other_sizes_is_refused(small):
    search = Search(SearchParams(), POSITIONS[:, :3], small.outcomes)
    with pytest.raises(SearchError, match="has 3 actions and 3 outcomes, the network 4 and 3"):
        search.run(
            NativeEvaluator(small),
            latents_of(small, 1),
            np.ones((1, 3)),
            np.zeros(1),
            np.zeros(1, np.int32),
            np.zeros(1, np.int32),
            noise=False,
        )
