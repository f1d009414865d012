"""What is announced of a settlement counts from when it was heard, and until it is paid."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mlx_muzero.market.funding_rates import FundingRates, announced_rates, expected_rates
from mlx_muzero.market.series import FUNDING_ANNOUNCED, FUNDING_RATE, Series, max_age_ns
from mlx_muzero.timeunits import MINUTE_NS

START_NS = 1_614_556_800_000_000_000
MINUTES = 400


def at(minute):
    return START_NS + np.asarray(minute) * MINUTE_NS


def heard(*points):
    """Announcements as (minute of the settlement, minute in which it was heard, rate)."""
    due, known, rate = (np.array(column) for column in zip(*points, strict=True))
    return Series.of("X", FUNDING_ANNOUNCED, at(due), at(known), rate.astype(float))


def test_it_counts_from_the_first_close_after_it_was_heard_until_its_settlement_is_paid():
    rates = announced_rates(at([4, 5, 6, 8, 10, 11]), heard((10, 5, 1e-4), (10, 8, 2e-4)))
    # At the close of minute 10 the settlement is still to be paid by the bar that opens then.
    np.testing.assert_array_equal(rates, [np.nan, 1e-4, 1e-4, 2e-4, 2e-4, np.nan])


def test_a_change_in_between_two_closes_and_the_next_settlement_count_alone():
    several = heard((10, 5.2, 1e-4), (10, 5.7, 3e-4), (20, 10.1, -1e-4))
    np.testing.assert_array_equal(announced_rates(at([6, 10, 11]), several), [3e-4, 3e-4, -1e-4])


def test_it_lapses_where_nothing_more_is_heard():
    lapse = max_age_ns(FUNDING_ANNOUNCED) // MINUTE_NS
    rates = announced_rates(at([lapse, lapse + 1]), heard((1000, 0, 1e-4)))
    np.testing.assert_array_equal(rates, [1e-4, np.nan])


def test_plans_count_it_to_a_tenth_of_a_basis_point():
    series = heard((10, 1, 1.2345e-4), (10, 2, 1.2499e-4))
    np.testing.assert_array_equal(announced_rates(at([1, 2]), series), [1.2e-4, 1.2e-4])


def test_what_was_paid_last_is_expected_where_nothing_is_announced():
    nan = np.nan
    expected = expected_rates(np.array([1.0, nan, 0.0, nan]), np.array([2.0, 2.0, 2.0, nan]))
    np.testing.assert_array_equal(expected, [1.0, 2.0, 0.0, nan])


POINTS = st.lists(
    st.tuples(
        st.integers(0, MINUTES), st.integers(0, 60 * MINUTES), st.integers(-50, 50)
    ),  # settlement, second in which it was heard, rate
    min_size=1,
    max_size=40,
)


@given(POINTS, st.integers(1, MINUTES - 1))
def test_what_is_heard_after_a_decision_changes_nothing_of_it(points, decided):
    """What a bar reads is what it reads from a store that ends with what was heard by then."""
    opens = at(np.arange(MINUTES))
    due, second, rate = (np.array(column) for column in zip(*points, strict=True))
    known_ns = START_NS + second * (MINUTE_NS // 60)
    close_ns = int(opens[decided - 1]) + MINUTE_NS

    def rates(kept):
        columns = at(due)[kept], known_ns[kept], rate[kept] * 1e-5
        announced = Series.of("X", FUNDING_ANNOUNCED, *columns)
        settled = Series.of("X", FUNDING_RATE, at([30, 90]), at([30, 90]), np.array([1.0, 2.0]))
        return FundingRates.of(opens, {FUNDING_ANNOUNCED: announced, FUNDING_RATE: settled})

    whole, then = rates(known_ns >= 0), rates(known_ns <= close_ns)
    for one, other in zip(whole, then, strict=True):
        np.testing.assert_array_equal(one[:decided], other[:decided])
