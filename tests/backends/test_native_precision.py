"""Products in other number formats: near float32, and the same bits wherever they are computed."""

import dataclasses
import hashlib
import platform
from typing import get_args

import mlx.core as mx
import numpy as np
import pytest
from mlx.utils import tree_map_with_path

from core_rows import independent_rows
from factored_models import random_model, some_windows
from mlx_muzero import _core
from mlx_muzero.backends.native import NativeEncoder, NativeEvaluator
from mlx_muzero.backends.native_market import NativeMarket
from mlx_muzero.config.choices import Precision
from mlx_muzero.config.presets import FX_MICRO
from mlx_muzero.errors import SearchError
from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.profiling.subject import with_random_heads
from mlx_muzero.search import Leaves, Search, SearchParams

PRECISIONS = get_args(Precision)
NEAR = {"float32": 1e-6, "bfloat16": 0.02, "float16": 0.003, "int8": 0.05}
"""How far latents may be from those in float32, as a share of their length."""

FUSING = [
    name
    for name in _core.kernels()
    if _core.rows_are_independent(name)
    and (name != "baseline" or platform.machine() in ("arm64", "aarch64"))
]
"""Kernels whose sums run in one order, each step a fused multiply-add: SSE2 has none."""
POSITIONS = np.array([[0, 1, 2, -1], [1, -1, -1, 0], [2, -1, -1, 0]], np.int32)


@pytest.fixture(scope="module")
def model():
    config = dataclasses.replace(FX_MICRO.model, parameters=0, latent_width=72)
    model = with_random_heads(
        StochasticMuZero(config, features=5, actions=4, outcomes=3, window_bars=8, seed=1)
    )
    model.eval()
    mx.eval(model.parameters())
    return model


def latents(rows):
    return np.random.default_rng(0).normal(size=(rows, 72)).astype(np.float32)


@pytest.fixture(scope="module")
def exact_model(model):
    """The same networks with weights that are multiples of 1/512, alike on all machines."""
    random = np.random.default_rng(3)

    def drawn(name, array):
        gain = array.ndim == 1 and name.endswith(".weight")
        whole = random.integers(-64, 64, array.shape)
        return mx.array((whole + 512 * gain) / 512, mx.float32)

    exact = StochasticMuZero(model.config, features=5, actions=4, outcomes=3, window_bars=8, seed=1)
    exact.update(tree_map_with_path(drawn, exact.parameters()))
    exact.eval()
    return exact


TREES = {
    ("all_outcomes", "float32"): "f815d466d42b0860",
    ("all_outcomes", "bfloat16"): "b5fd43a110603e60",
    ("all_outcomes", "float16"): "1f2f126b735a0916",
    ("all_outcomes", "int8"): "7422e40265720a30",
    ("single_outcome", "float32"): "84a5b34b3bcad85e",
    ("single_outcome", "bfloat16"): "8aff56090a13f47e",
    ("single_outcome", "float16"): "4c555631977b632d",
    ("single_outcome", "int8"): "d7a9170b4a145112",
}
"""Digests of visits, values and Q that AVX-512 found with `exact_model`, without noise."""


def searched(evaluator, mode, roots=slice(None), threads=1, start=None, noise=True):
    index = np.arange(11)[roots]
    params = SearchParams(num_simulations=15, expansion=mode, depth_limit=4)
    search = Search(params, POSITIONS, 3, threads)
    found = search.run(
        evaluator,
        mx.array((latents(11) if start is None else start)[roots]),
        np.full((len(index), 4), 0.25, np.float32),
        np.zeros(len(index), np.float32),
        np.zeros(len(index), np.int32),
        index.astype(np.uint64),
        noise=noise,
    )
    return {name: getattr(found, name) for name in ("visits", "value", "q")}


def away(found, wanted):
    return np.linalg.norm(found - wanted) / np.linalg.norm(wanted)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_networks_are_near_those_in_float32(model, precision):
    windows = np.random.default_rng(2).normal(size=(5, 8, 5)).astype(np.float32)
    both = (precision, "float32")
    one, other = (np.array(NativeEncoder(model, 1, precision=each)(windows)) for each in both)
    assert away(one, other) < NEAR[precision]
    leaves = Leaves(*(np.zeros(1, np.int32),) * 3, np.array([[1, 2, 3]], np.int32))
    expansions = []
    for each in both:
        evaluator = NativeEvaluator(model, precision=each)
        evaluator.reset(mx.array(latents(1)), np.zeros(1, np.int32), 4)
        expansions.append(evaluator.expand(leaves))
    for name in ("outcome_probs", "prior", "reward", "value"):
        found, wanted = (getattr(expansion, name) for expansion in expansions)
        # A value is a mean over bins that reach to 300.
        apart = np.abs(found - wanted).max() / 10 if name == "value" else away(found, wanted)
        assert apart < 4 * NEAR[precision], name
        assert (precision == "float32") == np.array_equal(found, wanted), name


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("members", [1, 3])
def test_a_factored_models_networks_are_near_those_in_float32(members, precision):
    market = random_model(exposures=(0.0, 1.0, -1.0))
    one, other = (
        NativeMarket(market, 1, precision=each).ahead(some_windows(5), 2)
        for each in (precision, "float32")
    )
    assert away(one.leaf_worth, other.leaf_worth) < 4 * NEAR[precision]
    assert away(one.root_worth, other.root_worth) < 4 * NEAR[precision]


@pytest.mark.skipif(len(FUSING) < 2, reason="needs two sets of kernels that fuse")
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("mode", ["all_outcomes", "single_outcome"])
def test_every_processor_that_fuses_finds_the_same_tree(model, mode, precision):
    one, *others = (
        searched(NativeEvaluator(model, kernels, precision), mode) for kernels in FUSING
    )
    for other in others:
        for name, found in one.items():
            np.testing.assert_array_equal(found, other[name], err_msg=name)


@pytest.mark.parametrize(("mode", "precision"), TREES)
@pytest.mark.parametrize("kernels", FUSING)
def test_the_tree_is_the_one_that_another_processor_found(exact_model, kernels, mode, precision):
    start = np.random.default_rng(4).integers(-512, 512, (11, 72)).astype(np.float32) / 256
    evaluator = NativeEvaluator(exact_model, kernels, precision)
    found = searched(evaluator, mode, start=start, noise=False)
    digest = hashlib.sha256(b"".join(array.tobytes() for array in found.values())).hexdigest()
    assert digest[:16] == TREES[mode, precision]


@independent_rows
@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_root_alone_has_the_bits_it_has_in_a_batch(model, precision):
    evaluator = NativeEvaluator(model, precision=precision)
    together = searched(evaluator, "single_outcome", threads=3)
    for rows in (slice(0, 1), slice(4, 11)):
        for name, found in searched(evaluator, "single_outcome", rows).items():
            np.testing.assert_array_equal(found, together[name][rows], err_msg=name)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_weights_that_are_no_numbers_are_not_hidden(model, precision):
    evaluator = NativeEvaluator(model, precision=precision)
    spoiled = np.array(model.policy_network.tower.blocks[0].linear_1.weight)
    kept = mx.array(spoiled)
    spoiled[3, 5] = np.nan
    model.policy_network.tower.blocks[0].linear_1.weight = mx.array(spoiled)
    evaluator.refresh()
    model.policy_network.tower.blocks[0].linear_1.weight = kept
    with pytest.raises(SearchError, match="prior of root"):
        searched(evaluator, "all_outcomes")


def test_every_set_of_kernels_says_what_multiplies():
    for kernels in _core.kernels():
        found = dict(_core.instructions(kernels))
        assert tuple(found) == PRECISIONS
        assert all(found.values())


def test_an_unknown_precision_is_refused(model):
    with pytest.raises(SearchError, match='do not compute in "int4"'):
        NativeEvaluator(model, precision="int4")
