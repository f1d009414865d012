"""An expectimax over market states as the table of a search tree, to be read and shown."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mlx_muzero.search.expectimax import MarketLayer
from mlx_muzero.search.result import TreeTable
from mlx_muzero.search.terms import Terms
from mlx_muzero.types import F64, I64

_NAN = float("nan")


@dataclass
class _Rows:
    """Rows of a table under construction; `columns` are those of `TreeTable` after `node`."""

    columns: list[tuple[int, int, int, float, int, float, float, int, float]] = field(
        default_factory=list
    )

    def add(
        self,
        parent: int,
        kind: int,
        label: int,
        *,
        depth: int,
        visits: int,
        value: float,
        prior: float = _NAN,
        reward: float = _NAN,
        probability: float = _NAN,
    ) -> int:
        """The number of a new row."""
        self.columns.append((parent, kind, label, prior, visits, value, reward, depth, probability))
        return len(self.columns) - 1


def market_tree(
    layers: Sequence[MarketLayer],
    worth: Sequence[F64],
    root: int,
    account: int,
    prior: Sequence[float],
    terms: Terms,
    condition: I64,
) -> TreeTable:
    """The tree of one root: every action there, and below it the best one in each state.

    A visit is an evaluated market state: a decision node counts itself and those below it.

    Args:
        layers: the inner states of an expectimax.
        worth: what `expectimax` returned for them.
        root: row of the root among the states of depth 0.
        account: its state.
        prior: ``f32[A]`` prior of the root's actions.
        terms: of the search.
        condition: ``i64[d + 1]`` of the terms in force at each depth below the root.
    """

    def choices(state: int, depth: int) -> F64:
        values = terms.choices(worth[depth][state][None], condition[[depth]])
        return np.asarray(values[0])

    outcomes = layers[0].move.shape[1] if layers else 0
    below = [sum(outcomes**k for k in range(len(layers) - d + 1)) for d in range(len(layers) + 1)]
    at_root = choices(root, 0)[account]
    rows = _Rows()
    rows.add(-1, 0, -1, depth=0, visits=below[0], value=float(at_root.max()))
    # Breadth first: (row, depth, market state, account state, actions to show).
    legal = [int(action) for action in np.flatnonzero(np.isfinite(at_root))]
    waiting = [(0, 0, root, account, legal)]
    while waiting:
        parent, depth, state, held, actions = waiting.pop(0)
        if depth == len(layers):
            continue
        layer, values = layers[depth], choices(state, depth)[held]
        costs, carry = terms.charged[condition[depth]][held], terms.carry[condition[depth]]
        for action in actions:
            after = int(terms.next_state[held, action])
            chance = rows.add(
                *(parent, 1, action),
                depth=depth,
                visits=below[depth] - 1,
                value=float(values[action]),
                prior=float(prior[action]) if depth == 0 else _NAN,
            )
            for outcome in range(outcomes):
                child = state * outcomes + outcome
                moved = float(layer.move[state, outcome] * terms.exposures[after])
                then = choices(child, depth + 1)[after]
                row = rows.add(
                    *(chance, 0, outcome),
                    depth=depth + 1,
                    visits=below[depth + 1],
                    value=float(then.max()),
                    reward=moved - float(carry[after]) - float(costs[action]),
                    probability=float(layer.outcome_probs[state, outcome]),
                )
                waiting.append((row, depth + 1, child, after, [int(then.argmax())]))
    return _table(rows)


def _table(rows: _Rows) -> TreeTable:
    """The rows breadth first, as `TreeTable` orders them."""
    order = sorted(range(len(rows.columns)), key=lambda row: _level(rows, row))
    place = {row: number for number, row in enumerate(order)} | {-1: -1}
    columns = list(zip(*(rows.columns[row] for row in order), strict=True))
    dtypes = (np.int8, np.int32, np.float32, np.int32, np.float64, np.float32, np.int32, np.float32)
    return TreeTable(
        np.arange(len(order), dtype=np.int32),
        np.array([place[parent] for parent in columns[0]], np.int32),
        *(np.array(column, dtype) for column, dtype in zip(columns[1:], dtypes, strict=True)),
    )


def _level(rows: _Rows, row: int) -> int:
    """How many edges lie between a row and the root."""
    parent, kind, *_ = rows.columns[row]
    return 0 if parent < 0 else 2 * rows.columns[row][7] + kind
