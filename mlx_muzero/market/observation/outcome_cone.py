"""The cone: where the next closes are expected, by the outcome probabilities of a search tree.

An outcome says on which side of a threshold the close moves. The threshold is a fixed share of the
standard deviation of recent changes, so a change that is normal with that deviation, cut at the
threshold, gives the mean and the variance of each outcome's move. A tree gives probabilities of
outcomes bar by bar: they mix these moves. Moves of successive bars are added up as independent
ones. With the probabilities of the normal itself, the cone is the one of a random walk.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

THRESHOLD_DEVIATIONS = 0.5
"""Standard deviations of recent changes at which a change is no longer NEUTRAL (FX)."""

HALF_DEVIATIONS, MOST_DEVIATIONS = 0.6745, 1.6449
"""Deviations around the mean that hold 50 % and 90 % of a normal distribution."""

LEAST_KNOWN = 0.5
"""The cone ends where the tree has the outcomes of less than this share of what may happen."""

MOST_BARS = 16

_TAIL = 0.5 * math.erfc(THRESHOLD_DEVIATIONS / math.sqrt(2.0))
_DENSITY = math.exp(-0.5 * THRESHOLD_DEVIATIONS**2) / math.sqrt(2.0 * math.pi)
_MIDDLE = 1.0 - 2.0 * _TAIL

MEANS = (_DENSITY / _TAIL, 0.0, -_DENSITY / _TAIL)
"""Mean moves of UP, NEUTRAL and DOWN, in standard deviations."""

_TAIL_SQUARE = 1.0 + THRESHOLD_DEVIATIONS * _DENSITY / _TAIL
SQUARES = (_TAIL_SQUARE, 1.0 - 2.0 * THRESHOLD_DEVIATIONS * _DENSITY / _MIDDLE, _TAIL_SQUARE)
"""Mean squares of these moves."""


@dataclass(frozen=True)
class ConeBar:
    """What is expected of the close some bars ahead, less the last one, in pips.

    Attributes:
        mean: expected change.
        deviation: its standard deviation.
        known: share of what may happen until then whose outcomes the tree holds.
    """

    mean: float
    deviation: float
    known: float


def cone(bars: Sequence[tuple[Sequence[float], float]], threshold: float) -> list[ConeBar]:
    """The cone of the next bars, the nearest first.

    Args:
        bars: of each bar ahead, the probabilities of UP, NEUTRAL and DOWN, and the share known.
        threshold: change above which a bar is UP, in pips.
    """
    scale, found = threshold / THRESHOLD_DEVIATIONS, []
    mean = variance = 0.0
    for chances, known in bars:
        moved = _dot(chances, MEANS)
        mean += moved
        variance += max(_dot(chances, SQUARES) - moved**2, 0.0)
        found.append(ConeBar(scale * mean, scale * math.sqrt(variance), known))
    return found


def chances_ahead(
    tree: Mapping[str, Sequence[Any]], action: int, chances: Sequence[float], chance_kind: int
) -> list[tuple[list[float], float]]:
    """Probabilities of UP, NEUTRAL and DOWN of each bar ahead, and the share known.

    Below the first bar, actions weigh by their share of the visits. A node that lacks one outcome,
    as a tree cut to its most visited nodes may, has it with the rest of the probability; one that
    lacks more counts as unknown.

    Args:
        tree: columns `parent`, `kind`, `edge`, `visits` and `probability`; row 0 is the root.
        action: taken at the root.
        chances: of the first bar's outcomes after it.
        chance_kind: value of `kind` of chance nodes.
    """
    children: defaultdict[int, list[int]] = defaultdict(list)
    for row, above in enumerate(tree["parent"]):
        children[above].append(row)
    market = {
        above: [row for row in rows if tree["kind"][row] != chance_kind]
        for above, rows in children.items()
    }
    ahead = [(list(chances), 1.0)]
    taken = [(row, 1.0, chances) for row in children[0] if tree["edge"][row] == action][:1]
    reached = _reached(tree, market, taken)
    while reached and len(ahead) < MOST_BARS:
        nodes: list[tuple[int, float, Sequence[float]]] = []
        for decision, weight in reached:
            below = [row for row in children[decision] if tree["kind"][row] == chance_kind]
            visits = sum(tree["visits"][row] for row in below)
            for row in below:
                shares = _shares(tree, market.get(row, ()))
                if shares is not None and tree["visits"][row]:
                    nodes.append((row, weight * tree["visits"][row] / visits, shares))
        known = sum(weight for _, weight, _ in nodes)
        if known < LEAST_KNOWN:
            break
        ahead.append(
            (
                [sum(w * shares[i] for _, w, shares in nodes) / known for i in range(len(MEANS))],
                known,
            )
        )
        reached = _reached(tree, market, nodes)
    return ahead


def _dot(chances: Sequence[float], moves: Sequence[float]) -> float:
    return sum(chance * move for chance, move in zip(chances, moves, strict=True))


def _reached(
    tree: Mapping[str, Sequence[Any]],
    market: Mapping[int, Sequence[int]],
    nodes: Iterable[tuple[int, float, Sequence[float]]],
) -> list[tuple[int, float]]:
    """Decisions below chance nodes, each with the probability of reaching it.

    Args:
        tree: as in `chances_ahead`.
        market: the decisions below each chance node.
        nodes: chance nodes, with the probability of reaching each and those of its outcomes.
    """
    return [
        (row, weight * shares[tree["edge"][row]])
        for chance, weight, shares in nodes
        for row in market.get(chance, ())
    ]


def _shares(tree: Mapping[str, Sequence[Any]], below: Sequence[int]) -> list[float] | None:
    """Probabilities of a chance node's outcomes; None if more than one is missing."""
    shares: list[float | None] = [None] * len(MEANS)
    for row in below:
        if tree["edge"][row] < len(shares):
            shares[tree["edge"][row]] = tree["probability"][row]
    known = [share for share in shares if share is not None]
    if len(known) < len(shares) - 1:
        return None
    rest = max(1.0 - sum(known), 0.0)
    whole = [rest if share is None else share for share in shares]
    total = sum(whole)
    return [share / total for share in whole] if total > 0 else None
