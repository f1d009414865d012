"""Under "mctx" compatibility a search finds what mctx finds, visit for visit.

tests/goldens/mctx.npz holds what mctx found; where mctx is installed it is asked again.
"""

import dataclasses
import importlib.util
import runpy
from pathlib import Path

import numpy as np
import pytest

from mlx_muzero.search import Search, SearchParams
from mlx_muzero.search.table_evaluator import TableEvaluator

ROOT = Path(__file__).resolve().parent.parent
ORACLE = runpy.run_path(str(ROOT / "scripts" / "mctx_oracle.py"))
CASES = ORACLE["CASES"]
NO_LIMIT = 10**9


def params_of(case):
    return SearchParams(
        num_simulations=case.num_simulations,
        depth_limit=case.max_depth or NO_LIMIT,
        discount=ORACLE["DISCOUNT"],
        expansion="single_outcome",
        compatibility="mctx",
    )


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


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_visits_and_values_are_those_that_mctx_found(case):
    with np.load(ORACLE["GOLDENS"]) as goldens:
        visits, value = goldens[f"{case.name}.visits"], goldens[f"{case.name}.value"]
    result = search(case, ORACLE["Model"].of(case))
    np.testing.assert_array_equal(result.visits, visits)
    np.testing.assert_allclose(result.value, value, rtol=0, atol=1e-6)


@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("mctx"), reason="mctx is not installed")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_visits_and_values_are_mctxs(case):
    case = dataclasses.replace(case, roots=2048)
    model = ORACLE["Model"].of(case)
    visits, value = ORACLE["mctx_search"](case, model)
    result = search(case, model)
    np.testing.assert_array_equal(result.visits, visits)
    np.testing.assert_allclose(result.value, value, rtol=0, atol=1e-6)
