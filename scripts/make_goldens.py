"""Writes tests/goldens/*.json: small stochastic trees, node by node.

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
from mlx_muzero.search.hash_evaluator import HashEvaluator

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


CASES = [
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
]


def tree_of(case: Case) -> list[dict[str, Any]]:
    """The case's tree, one dictionary per node without the columns that do not apply."""
    network = HashEvaluator(len(POSITIONS[0]), case.num_outcomes, case.levels)
    state = np.array([case.state], np.uint64)
    prior, value = network.prediction(state)
    search = Search(case.params, POSITIONS, case.num_outcomes)
    search.run(network, state, prior, value, [case.position], state, case.noise)
    table = search.tree(0)
    columns = {field.name: getattr(table, field.name).tolist() for field in fields(table)}
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return [
        {k: v for k, v in row.items() if not (isinstance(v, float) and math.isnan(v))}
        for row in rows
    ]


def main() -> None:
    GOLDENS.mkdir(parents=True, exist_ok=True)
    for case in CASES:
        nodes = ",\n ".join(json.dumps(node) for node in tree_of(case))
        (GOLDENS / f"{case.name}.json").write_text(f"[{nodes}]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
