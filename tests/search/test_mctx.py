"""A search finds what mctx finds, visit for visit: with chance nodes, and with a Gumbel root.

tests/goldens/mctx.npz holds what mctx found; where mctx is installed it is asked again.
"""

import dataclasses
import importlib.util
import runpy

import numpy as np
import pytest

from folders import ROOT
from mlx_muzero.search import Search, SearchParams
from mlx_muzero.search.table_evaluator import TableEvaluator

ORACLE = runpy.run_path(str(ROOT / "scripts" / "mctx_oracle.py"))
CASES = ORACLE["CASES"]
NO_LIMIT = 10**9


def params_of(case):
    common = {
        "num_simulations": case.num_simulations,
        "depth_limit": case.max_depth or NO_LIMIT,
        "discount": ORACLE["DISCOUNT"],
    }
    if case.max_num_considered_actions is None:
        return SearchParams(**common, expansion="single_outcome", compatibility="mctx")
    considered = case.max_num_considered_actions
    return SearchParams(**common, root="gumbel", max_num_considered_actions=considered)


def evaluator_of(model):
    return TableEvaluator(
        model.prior, model.value, model.reward, model.chance_logits, model.next_node
    )


def search(case, model):
    """What our search finds from the case's roots."""
    evaluator = evaluator_of(model)
    roots = np.arange(case.roots)
    core = Search(params_of(case), np.zeros((1, case.actions), np.int32), case.outcomes)
    return core.run(evaluator, roots, *evaluator.prediction(roots), 0 * roots, roots, noise=False)


def assert_found(result, found):
    for name, wanted in found.items():
        atol = 0 if np.issubdtype(wanted.dtype, np.integer) else 1e-6
        np.testing.assert_allclose(getattr(result, name), wanted, rtol=0, atol=atol, err_msg=name)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_search_finds_what_mctx_found(case):
    with np.load(ORACLE["GOLDENS"]) as goldens:
        stored = {
            name.split(".")[1]: goldens[name] for name in goldens if name.split(".")[0] == case.name
        }
    assert {"visits", "value"} <= stored.keys()
    assert_found(search(case, ORACLE["Model"].of(case)), stored)


@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("mctx"), reason="mctx is not installed")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_search_finds_what_mctx_finds(case):
    case = dataclasses.replace(case, roots=2048)
    model = ORACLE["Model"].of(case)
    assert_found(search(case, model), ORACLE["Oracle"](case, model).search())
