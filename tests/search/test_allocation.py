"""Joint actions within a limit: exact, order by order the same, and without a limit unchanged."""

from itertools import product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from examples import examples
from mlx_muzero.search.allocation import allocate
from mlx_muzero.trading.positions import FX_ACTIONS, TARGET_ACTIONS

TABLES = st.sampled_from([FX_ACTIONS, TARGET_ACTIONS])


@st.composite
def cases(draw):
    """Accounts of a few groups: worths, exposures after each action, exposures held."""
    table = draw(TABLES)
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    group = np.repeat(np.arange(len(sizes)), sizes)
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    group = rng.permutation(group)
    position = np.where(rng.random(len(group)) < 0.5, 0, rng.integers(len(table.exposures)))
    after = table.next_position[position]
    worth = np.where(after < 0, -np.inf, rng.normal(size=after.shape).round(2))
    exposure = abs(table.exposures[after])
    return (
        worth,
        exposure,
        abs(table.exposures[position]),
        group,
        draw(st.sampled_from([0.3, 1, 2])),
    )


def totals(group, values):
    return np.bincount(group, values)


@examples(60)
@given(cases())
def test_equals_trying_everything(case):
    worth, exposure, held, group, limit = case
    action = allocate(worth.argmax(axis=1).astype(np.int32), *case)
    row = np.arange(len(group))
    room = np.maximum(limit, totals(group, held)) + 1e-9
    assert (totals(group, exposure[row, action]) <= room).all()
    found = totals(group, worth[row, action])
    for number in np.unique(group):
        rows = np.flatnonzero(group == number)
        tried = (
            worth[rows, list(each)].sum()
            for each in product(range(worth.shape[1]), repeat=len(rows))
            if exposure[rows, list(each)].sum() <= room[number]
        )
        np.testing.assert_allclose(found[number], max(tried))


@examples(30)
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_has_no_effect(case, random):
    worth, exposure, held, group, limit = case
    worth = worth + np.random.default_rng(1).uniform(0, 1e-3, worth.shape)  # no ties
    alone = worth.argmax(axis=1).astype(np.int32)
    order = np.array(random.sample(range(len(group)), len(group)))
    shuffled = allocate(
        alone[order], worth[order], exposure[order], held[order], group[order], limit
    )
    np.testing.assert_array_equal(
        shuffled, allocate(alone, worth, exposure, held, group, limit)[order]
    )


@given(cases())
def test_what_fits_is_taken_even_if_another_is_worth_more(case):
    worth, exposure, held, group, _ = case
    alone = worth.argmin(axis=1).astype(np.int32)
    alone = np.where(np.isfinite(worth[np.arange(len(alone)), alone]), alone, 0).astype(np.int32)
    np.testing.assert_array_equal(allocate(alone, worth, exposure, held, group, 99.0), alone)


def test_equal_worths_go_to_the_first_row():
    worth = np.array([[0.0, 1.0, -1.0, -np.inf]] * 3)
    exposure = abs(FX_ACTIONS.exposures[np.maximum(FX_ACTIONS.next_position[[0, 0, 0]], 0)])
    action = allocate(
        np.ones(3, np.int32), worth, exposure, np.zeros(3), np.zeros(3, np.int64), 1.0
    )
    assert action.tolist() == [1, 0, 0]


def test_what_exceeds_the_limit_already_may_stay_but_not_grow():
    after = FX_ACTIONS.next_position[[1, 1, 0]]
    worth = np.where(after < 0, -np.inf, abs(FX_ACTIONS.exposures[after]))
    action = allocate(
        worth.argmax(axis=1).astype(np.int32),
        worth,
        abs(FX_ACTIONS.exposures[after]),
        np.array([1.0, 1.0, 0.0]),
        np.zeros(3, np.int64),
        1.0,
    )
    assert abs(FX_ACTIONS.exposures[after[np.arange(3), action]]).tolist() == [1.0, 1.0, 0.0]
