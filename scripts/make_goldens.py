"""Writes tests/goldens/*.json: small stochastic trees, node by node.

Of searches with a network of actions and outcomes, and over a market that answers no action.

Run it after a deliberate change of the search's rules and read the difference before committing:

    python scripts/make_goldens.py
"""

import json
import math
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from mlx_muzero.search import Search, SearchParams
from mlx_muzero.search.account_table import AccountTable
from mlx_muzero.search.hash_evaluator import HashEvaluator
from mlx_muzero.search.hash_market import HashMarket
from mlx_muzero.search.market_leaves import MarketLeaves
from mlx_muzero.search.terms import Terms
from mlx_muzero.types import F64, I32, I64

GOLDENS = Path(__file__).resolve().parent.parent / "tests" / "goldens"
POSITIONS = [[0, 1, 2, -1], [1, -1, -1, 0], [2, -1, -1, 0]]


@dataclass(frozen=True)
class Case:
    """One search from one root; the root's state is also its seed."""

    name: str
    params: SearchParams
    state: int
    position: int = 0
    num_outcomes: int = 3
    noise: bool = False
    levels: int = 0


@dataclass(frozen=True)
class MarketCase:
    """One search over a market, whose costs are high and low by turns; as in `Case` otherwise."""

    name: str
    params: SearchParams
    state: int
    position: int = 0
    noise: bool = False


CASES: list[Case | MarketCase] = [
    Case("all_outcomes", SearchParams(num_simulations=8), state=1),
    Case("all_outcomes_long_position", SearchParams(num_simulations=8), state=2, position=1),
    Case("all_outcomes_depth_2", SearchParams(num_simulations=12, depth_limit=2), state=3),
    Case("all_outcomes_ties", SearchParams(num_simulations=8), state=4, levels=2),
    Case("all_outcomes_noise", SearchParams(num_simulations=6), state=5, noise=True),
    Case("single_outcome", SearchParams(num_simulations=16, expansion="single_outcome"), state=6),
    Case(
        "single_outcome_depth_1",
        SearchParams(num_simulations=16, depth_limit=1, expansion="single_outcome"),
        state=7,
        position=2,
    ),
    Case(
        "unmasked",
        SearchParams(num_simulations=8, legal_actions="off", discount=0.5),
        state=8,
        position=1,
        num_outcomes=2,
    ),
    Case("gumbel", SearchParams(num_simulations=16, root="gumbel"), state=9, noise=True),
    Case(
        "gumbel_single_outcome",
        SearchParams(num_simulations=16, root="gumbel", expansion="single_outcome"),
        state=10,
    ),
    MarketCase("market", SearchParams(num_simulations=12), state=11),
    MarketCase(
        "market_single_outcome",
        SearchParams(num_simulations=24, expansion="single_outcome"),
        state=12,
        position=1,
    ),
    MarketCase("market_gumbel", SearchParams(num_simulations=16, root="gumbel"), 13, noise=True),
]


def tree_of(case: Case | MarketCase) -> list[dict[str, Any]]:
    """The case's tree, one dictionary per node without the columns that do not apply."""
    search = _of_network(case) if isinstance(case, Case) else _of_market(case)
    table = search.tree(0)
    columns = {field.name: getattr(table, field.name).tolist() for field in fields(table)}
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return [
        {k: v for k, v in row.items() if not (isinstance(v, float) and math.isnan(v))}
        for row in rows
    ]


def _of_network(case: Case) -> Search:
    network = HashEvaluator(len(POSITIONS[0]), case.num_outcomes, case.levels)
    state = np.array([case.state], np.uint64)
    prior, value = network.prediction(state)
    search = Search(case.params, POSITIONS, case.num_outcomes)
    search.run(network, state, prior, value, [case.position], state, case.noise)
    return search


def _of_market(case: MarketCase) -> Search:
    exposures, entering = np.array([0.0, 1.0, -1.0]), np.isin(np.array(POSITIONS), (1, 2))
    costs = np.stack([np.where(entering, cost, 0.0) for cost in (1.5, 0.5)])
    costs[:, 1:] = 0.0
    terms = Terms.free_to_hold(exposures, np.array(POSITIONS, np.int32), costs)
    condition = np.arange(case.params.depth_limit + 1)[None] % len(costs)
    position = np.array([case.position], np.int32)
    market, accounts = HashMarket(3, len(exposures)), AccountTable(terms, condition)
    leaves = MarketLeaves(market, terms, condition, position, _unchanged, pips=1.0)
    roots = market.roots(np.full((1, 1, 1), case.state, np.float32))
    search = Search(case.params, accounts.next_row, 3)
    seed, rows = np.array([case.state], np.uint64), accounts.rows(position)
    search.run(leaves, roots, *leaves.prediction(roots), rows, seed, case.noise)
    return search


def _unchanged(worth: F64, _cluster: I32, _root: I64, _depth: I64) -> F64:
    """Worth under the rules that it was learned under."""
    return worth


def main() -> None:
    GOLDENS.mkdir(parents=True, exist_ok=True)
    for case in CASES:
        nodes = ",\n ".join(json.dumps(node) for node in tree_of(case))
        (GOLDENS / f"{case.name}.json").write_text(f"[{nodes}]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
