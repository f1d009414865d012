"""A series has each point once, whoever stamped it and in whatever order it comes."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mlx_muzero.market.funding_rates import funding_paid
from mlx_muzero.market.series import FUNDING_RATE, MAX_AGE_NS, Series
from mlx_muzero.timeunits import MINUTE_NS

START_NS = 1_614_556_800_000_000_000


def series(name, minutes, jitter_ns, value):
    event = START_NS + np.array(minutes, np.int64) * MINUTE_NS + np.array(jitter_ns, np.int64)
    return event, event, np.array(value, np.float64)


@given(
    st.lists(st.integers(0, 5000), min_size=1, max_size=30, unique=True),
    st.integers(0, 2**32 - 1),
    st.sampled_from(sorted(MAX_AGE_NS)),
)
def test_points_of_a_second_source_change_nothing(minutes, seed, name):
    draw = np.random.default_rng(seed)
    minutes = sorted(minutes)
    value = draw.normal(size=len(minutes))
    exact = series(name, minutes, np.zeros(len(minutes)), value)
    late = series(name, minutes, draw.integers(0, 29 * 10**9, len(minutes)), value)
    shuffled = draw.permutation(2 * len(minutes))
    both = [np.concatenate(pair)[shuffled] for pair in zip(exact, late, strict=True)]
    once, alone = Series.of("X", name, *both), Series.of("X", name, *exact)
    for column in ("event_ns", "known_ns", "value"):
        assert np.array_equal(getattr(once, column), getattr(alone, column))


def test_a_settlement_stamped_by_two_sources_is_paid_once():
    event = START_NS + np.array([0, 3_000_000])
    funding = Series.of("BTCUSDT", FUNDING_RATE, event, event, np.array([3e-4, 3e-4]))
    opens = START_NS + np.arange(-1, 2) * MINUTE_NS
    assert funding_paid(opens, funding).sum() == 3e-4
