"""Bar changes: in pips, and none over a hole or from one pair to the next."""

import numpy as np

from mlx_muzero.evaluation.rivals.changes import bar_changes, fitting_bars, lagged
from mlx_muzero.timeunits import MINUTE_NS


def test_changes_in_pips_stop_at_holes_and_pairs():
    close = np.array([100.0, 100.02, 100.05, 99.0, 50.0, 50.01])
    minutes = np.array([0, 1, 11, 40, 0, 1]) * MINUTE_NS
    changes = bar_changes(close, minutes, 0.01, max_gap_minutes=10.0)
    np.testing.assert_allclose(changes, [0, 2, 3, 0, 0, 1], atol=1e-9)


def test_a_basis_point_is_of_the_close_before():
    changes = bar_changes(np.array([200.0, 201.0]), np.array([0, 1]) * MINUTE_NS, 0.0, 10.0)
    np.testing.assert_allclose(changes, [0, 50])


def test_lags_are_oldest_first_and_0_before_the_first_bar():
    changes = np.arange(1.0, 6.0)
    np.testing.assert_array_equal(lagged(changes, np.array([[1, 4]]), 3), [[[0, 1, 2], [3, 4, 5]]])


def test_fitting_bars_keep_to_their_split(planted):
    bars = fitting_bars(planted, "train", 60)
    assert (planted.seen_from[bars] >= 0).all()
    assert planted.open_time_ns[bars + 60].max() < planted.ranges["validation"].first_ns


def test_the_newest_row_is_the_windows_last(planted):
    bars = fitting_bars(planted, "train", 1)[::97]
    np.testing.assert_array_equal(planted.newest_rows(bars), planted.windows(bars)[:, -1])
