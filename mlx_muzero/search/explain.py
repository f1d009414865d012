"""Reads a search tree: the branches worth showing, and the principal variation."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mlx_muzero.search.result import TreeTable


@dataclass(frozen=True)
class Branch:
    """A node of a folded tree; nodes are rows of its `TreeTable`.

    Attributes:
        row: the node.
        shown: child branches to show, most visited first.
        folded: children left out, ordered by action or outcome.
    """

    row: int
    shown: tuple["Branch", ...]
    folded: tuple[int, ...]

    def walk(self) -> Iterator["Branch"]:
        """Yield this branch and all branches shown below it, parents first."""
        yield self
        for branch in self.shown:
            yield from branch.walk()


def visit_share(tree: TreeTable, row: int) -> float:
    """A node's visits as a share of the root's."""
    return float(tree.visits[row] / tree.visits[0])


def folded(tree: TreeTable, least_share: float) -> Branch:
    """The tree from the root down, with nodes whose `visit_share` is below `least_share` folded."""

    def branch(row: int) -> Branch:
        children = _children(tree, row)
        shown = [child for child in children if visit_share(tree, child) >= least_share]
        shown.sort(key=lambda child: -int(tree.visits[child]))
        rest = tuple(child for child in children if child not in shown)
        return Branch(row, tuple(branch(child) for child in shown), rest)

    return branch(0)


def principal_variation(tree: TreeTable, action: int) -> list[int]:
    """Rows of the most visited path that starts with a root action, alternating with outcomes.

    Ties go to the likeliest outcome, then to the first.
    """
    likelihood = np.nan_to_num(tree.probability)
    path = [child for child in _children(tree, 0) if tree.action_or_outcome[child] == action]
    while children := _children(tree, path[-1]):
        path.append(max(children, key=lambda child: (tree.visits[child], likelihood[child])))
    return path


def _children(tree: TreeTable, row: int) -> list[int]:
    return [int(child) for child in np.flatnonzero(tree.parent == row)]
