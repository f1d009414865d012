"""Measures how well searches with several leaves per step agree with the sequential search.

The network is random (`HashEvaluator`): no state tells anything about another, so this is a hard
case. Same roots, same number of simulations; only `leaves_per_step` differs. How much a difference
matters shows against a search ten times as deep.

    python scripts/leaf_agreement.py
"""

import argparse
import json
from dataclasses import asdict, dataclass, replace
from typing import get_args

import numpy as np

from mlx_muzero.config.choices import ExpansionMode
from mlx_muzero.search import Leaves, Search, SearchParams, SearchResult
from mlx_muzero.search.hash_evaluator import HashEvaluator
from mlx_muzero.trading.positions import FX_ACTIONS
from mlx_muzero.types import F32, U64

OUTCOMES = 3
POSITIONS = FX_ACTIONS.next_position
DEEPER = 10
ROOTS_TOGETHER = 250
"""How many trees of the deep search fit into memory."""


@dataclass(frozen=True)
class Agreement:
    """One setting, compared with ``leaves_per_step=1``.

    Attributes:
        expansion: of both searches.
        simulations: of each root.
        leaves_per_step: leaves of one tree evaluated together.
        calls: of the evaluator, each for the leaves of all roots.
        same_action: share of the roots that end with the same action.
        policy_moved: share of the visits that went to other root actions.
        value_moved: mean absolute difference of the root values, which lie between 0 and the
            number of steps looked ahead.
        value_error: mean absolute difference of the root values from those of the sequential
            search with `DEEPER` times the simulations.
    """

    expansion: str
    simulations: int
    leaves_per_step: int
    calls: int
    same_action: float
    policy_moved: float
    value_moved: float
    value_error: float


def plan(params: SearchParams, states: U64) -> tuple[SearchResult, int]:
    """A search's result and the number of its calls to the evaluator."""
    network = HashEvaluator(POSITIONS.shape[1], OUTCOMES)
    search = Search(params, POSITIONS, OUTCOMES)
    prior, value = network.prediction(states)
    search.reset(prior, value, np.zeros(len(states), np.int32), states, noise=False)
    network.reset(states, search.root_slots(), search.capacity)
    calls = 0
    while (leaves := search.select()) is not None:
        if isinstance(leaves, Leaves):
            search.backup(network.expand(leaves))
        else:
            search.backup(network.expand_single(leaves))
        calls += 1
    return search.result(), calls


def deep_value(params: SearchParams, states: U64) -> F32:
    """[B] root values of the sequential search with `DEEPER` times the simulations."""
    deep = replace(params, num_simulations=DEEPER * params.num_simulations)
    parts = np.split(states, range(ROOTS_TOGETHER, len(states), ROOTS_TOGETHER))
    return np.concatenate([plan(deep, part)[0].value for part in parts])


def agreements(params: SearchParams, leaves_per_step: list[int], roots: int) -> list[Agreement]:
    """Compare all settings of `leaves_per_step` with the sequential search."""
    states = np.arange(roots, dtype=np.uint64)
    one, _ = plan(params, states)
    deep = deep_value(params, states)
    found = []
    for leaves in leaves_per_step:
        many, calls = plan(replace(params, leaves_per_step=leaves), states)
        moved = np.abs(many.policy - one.policy).sum(axis=1) / 2
        found.append(
            Agreement(
                params.expansion,
                params.num_simulations,
                leaves,
                calls,
                float((many.action == one.action).mean()),
                float(moved.mean()),
                float(np.abs(many.value - one.value).mean()),
                float(np.abs(many.value - deep).mean()),
            )
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--roots", type=int, default=2000)
    parser.add_argument("--leaves", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    arguments = parser.parse_args()
    settings = [
        SearchParams(num_simulations=simulations, depth_limit=6, expansion=expansion)
        for expansion in get_args(ExpansionMode)
        for simulations in (25, 50, 200)
    ]
    found = [
        agreement
        for params in settings
        for agreement in agreements(params, arguments.leaves, arguments.roots)
    ]
    if arguments.json:
        print(json.dumps([asdict(agreement) for agreement in found]))
        return
    print(
        "expansion       simulations  leaves  calls  same action  policy moved  value moved"
        "  value error"
    )
    for a in found:
        print(
            f"{a.expansion:14}  {a.simulations:11}  {a.leaves_per_step:6}  {a.calls:5}  "
            f"{a.same_action:11.1%}  {a.policy_moved:12.1%}  {a.value_moved:11.4f}"
            f"  {a.value_error:11.4f}"
        )


if __name__ == "__main__":
    main()
