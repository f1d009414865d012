"""Candles are minutes where it matters, and few enough."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from markets import walk_bars
from mlx_muzero.evaluation.page.candles import NEAR_MINUTES, candles_of
from mlx_muzero.timeunits import MINUTE_NS

BARS = walk_bars(4000)


def joined(fills, most):
    fills_ns = BARS.open_time_ns[np.array(fills, np.int64)]
    (found,) = candles_of({"TEST": BARS}, {"TEST": fills_ns}, most)
    return found, fills_ns


def test_few_bars_are_all_shown():
    found, _ = joined([5], 4000)
    np.testing.assert_array_equal(found.time_ns, BARS.open_time_ns)
    np.testing.assert_array_equal(found.high, BARS.high)
    assert not found.note


@given(st.lists(st.integers(0, 3999), max_size=3), st.sampled_from([1200, 2000]))
def test_what_is_joined_keeps_its_range_and_minutes_near_fills(fills, most):
    found, fills_ns = joined(fills, most)
    assert len(found.time_ns) <= most
    assert f"{len(found.time_ns):,} candles" in found.note
    assert found.open[0] == BARS.open[0]
    assert found.close[-1] == BARS.close[-1]
    assert found.high.max() == BARS.high.max()
    assert found.low.min() == BARS.low.min()
    for fill_ns in fills_ns.tolist():
        near = abs(BARS.open_time_ns - fill_ns) <= NEAR_MINUTES * MINUTE_NS
        assert np.isin(BARS.open_time_ns[near], found.time_ns).all()
