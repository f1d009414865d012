"""The cone ahead: a random walk's where the outcomes are as likely as chance has them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import examples
from mlx_muzero.market.observation.outcome_cone import (
    MEANS,
    SQUARES,
    THRESHOLD_DEVIATIONS,
    chances_ahead,
    cone,
)

TAIL = 0.5 * math.erfc(THRESHOLD_DEVIATIONS / math.sqrt(2))
BY_CHANCE = [TAIL, 1 - 2 * TAIL, TAIL]
CHANCE = 1


@given(st.integers(1, 16), st.floats(1e-6, 1e6))
@examples(30)
def test_outcomes_by_chance_spread_as_a_random_walk(bars, threshold):
    last = cone([(BY_CHANCE, 1.0)] * bars, threshold)[-1]
    assert last.mean == pytest.approx(0, abs=1e-9 * threshold)
    deviation = threshold / THRESHOLD_DEVIATIONS * math.sqrt(bars)
    assert last.deviation == pytest.approx(deviation)


def test_the_moves_of_outcomes_are_those_of_a_normal_cut_at_the_threshold():
    z = np.random.default_rng(1).standard_normal(2_000_000)
    up, down = z > THRESHOLD_DEVIATIONS, z < -THRESHOLD_DEVIATIONS
    for place, part in enumerate((up, ~up & ~down, down)):
        assert z[part].mean() == pytest.approx(MEANS[place], abs=5e-3)
        assert (z[part] ** 2).mean() == pytest.approx(SQUARES[place], abs=1e-2)


@given(st.lists(st.floats(0.01, 1), min_size=3, max_size=3))
@examples(30)
def test_the_mean_goes_where_the_outcomes_go_and_mirrors(weights):
    chances = [weight / sum(weights) for weight in weights]
    [there] = cone([(chances, 1.0)], 2.0)
    [back] = cone([(chances[::-1], 1.0)], 2.0)
    assert there.mean == pytest.approx(-back.mean)
    assert there.deviation == pytest.approx(back.deviation)
    assert (there.mean > 0) == (chances[0] > chances[2]) or abs(chances[0] - chances[2]) < 1e-9


def tree(*rows):
    """From (parent, kind, edge, visits, probability)."""
    names = ("parent", "kind", "edge", "visits", "probability")
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def deep(second_visits=6):
    return tree(
        (-1, 0, -1, 20, None),
        (0, CHANCE, 1, 12, None),
        *((1, 0, outcome, 4, 1 / 3) for outcome in range(3)),
        *((decision, CHANCE, 0, second_visits, None) for decision in (2, 3, 4)),
        *((chance, 0, *after) for chance in (5, 6, 7) for after in ((0, 1, 0.7), (1, 1, 0.2))),
    )  # fmt: skip


def test_a_missing_outcome_has_the_rest():
    first, second = chances_ahead(deep(), 1, [1 / 3] * 3, CHANCE)
    assert first == ([1 / 3] * 3, 1.0)
    assert second[0] == pytest.approx([0.7, 0.2, 0.1])
    assert second[1] == pytest.approx(1.0)


def test_it_ends_where_the_tree_does_not_know():
    assert len(chances_ahead(deep(second_visits=0), 1, [1 / 3] * 3, CHANCE)) == 1
    of_one_outcome = tree(
        (-1, 0, -1, 20, None), (0, CHANCE, 1, 12, None),
        *((1, 0, outcome, 4, 1 / 3) for outcome in range(3)),
        *((decision, CHANCE, 0, 3, None) for decision in (2, 3, 4)),
        *((chance, 0, 0, 1, 0.7) for chance in (5, 6, 7)),
    )  # fmt: skip
    assert len(chances_ahead(of_one_outcome, 1, [1 / 3] * 3, CHANCE)) == 1


def test_an_action_that_was_never_searched_has_one_bar():
    assert chances_ahead(deep(), 3, [0.5, 0.2, 0.3], CHANCE) == [([0.5, 0.2, 0.3], 1.0)]
