import numpy as np

from markets import walk_bars
from mlx_muzero.market.observation.outcomes import (
    DEVIATION_BARS,
    DOWN,
    NEUTRAL,
    UNKNOWN,
    UP,
    outcome_labels,
    outcome_thresholds,
)


def test_labels_follow_half_the_deviation_of_the_twenty_changes_before():
    close = walk_bars(300, seed=1).close
    labels = outcome_labels(close)
    for t in range(DEVIATION_BARS + 1, 300):
        past = np.diff(close)[t - 1 - DEVIATION_BARS : t - 1]
        change, threshold = close[t] - close[t - 1], 0.5 * past.std()
        expected = UP if change > threshold else DOWN if change < -threshold else NEUTRAL
        assert labels[t] == expected


def test_warm_up_is_unknown():
    labels = outcome_labels(walk_bars(100).close)
    assert (labels[: DEVIATION_BARS + 1] == UNKNOWN).all()
    assert (labels[DEVIATION_BARS + 1 :] != UNKNOWN).all()
    assert (outcome_labels(walk_bars(5).close) == UNKNOWN).all()


def test_a_threshold_is_known_before_its_bar():
    close = walk_bars(200).close
    changed = close.copy()
    changed[150:] += 7.0
    before, after = outcome_thresholds(close), outcome_thresholds(changed)
    np.testing.assert_array_equal(before[:151], after[:151])
    assert before[151] != after[151]


def test_a_suffix_gives_the_same_bits_as_the_whole():
    close = walk_bars(500).close
    np.testing.assert_array_equal(
        outcome_thresholds(close)[-10:], outcome_thresholds(close[-60:])[-10:]
    )
