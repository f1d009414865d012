"""Recorded rows against replayed ones, whichever of them come first."""

from hypothesis import given
from hypothesis import strategies as st

from examples import examples
from mlx_muzero.paper.report.differences import Differences, RowByRow

ROWS = st.lists(
    st.fixed_dictionaries({"pair": st.sampled_from("AB"), "price": st.integers(0, 2)}), max_size=12
)


def compared(recorded, replayed, order):
    """What differs if rows are taken in an `order`: of True, a recorded one."""
    found = Differences()
    rows = RowByRow(found)
    ours, theirs = iter([row | {"id": n} for n, row in enumerate(recorded)]), iter(replayed)
    for first in order:
        row = next(ours if first else theirs, None)
        (rows.record if first else rows.replay)([] if row is None else [row])
    rows.record(ours)
    rows.replay(theirs)
    rows.end()
    return found


@examples(60)
@given(ROWS, ROWS, st.lists(st.booleans(), max_size=24))
def test_rows_are_compared_by_their_number_in_whatever_order_they_come(one, other, order):
    found = compared(one, other, order)
    expected = 0
    for pair in "AB":
        ours, theirs = ([row for row in rows if row["pair"] == pair] for rows in (one, other))
        expected += sum(a != b for a, b in zip(ours, theirs, strict=False))
        expected += len(ours) != len(theirs)
    assert (found.recorded, found.replayed, found.differ) == (len(one), len(other), expected)


def test_the_first_differences_are_told():
    one = [{"pair": "A", "price": 1}, {"pair": "B", "price": 2}]
    found = compared(one, [{"pair": "A", "price": 3}], [])
    assert found.first == [
        "A, number 0: recorded {'pair': 'A', 'price': 1}, replayed {'pair': 'A', 'price': 3}",
        "B, count: recorded 1, replayed 0",
    ]
