"""Trials side by side, seeds as a hierarchy, and how results are spread."""

import numpy as np
import pytest

from mlx_muzero.evaluation.luck.concentration import best_share
from mlx_muzero.evaluation.luck.seeds import pooled
from mlx_muzero.evaluation.luck.trials import end_to_end, mean_correlation, side_by_side, worth
from mlx_muzero.runlog.look import Tried


def tried(totals, first=100, every=1):
    return Tried(len(totals), 0.0, 0.0, first, every, tuple(totals))


def test_only_trials_of_the_same_days_are_compared():
    course = np.random.default_rng(0).standard_normal((3, 20))
    trials = [tried(course[0]), tried(course[1]), tried(course[2], first=101), tried(())]
    assert side_by_side(trials).tolist() == course[:2].T.tolist()
    assert side_by_side(trials[1:]).size == 0
    assert side_by_side([]).size == 0


def test_equal_trials_are_worth_one_and_unknown_ones_count_whole():
    course = np.random.default_rng(1).standard_normal(50)
    same = [tried(course), tried(2 * course + 1)]
    assert worth(2, same) == pytest.approx(1.0)
    assert worth(10, same) == pytest.approx(9.0)
    assert worth(10, ()) == 10.0
    assert mean_correlation(np.stack([course, np.zeros(50)], axis=1)) == 0.0


def test_trials_of_windows_follow_each_other_where_every_window_has_them():
    early = {"one": tried([1.0, 2.0]), "two": tried([3.0, 4.0]), "three": tried([0.0])}
    late = {
        "one": Tried(6, 4.0, 0.5, 102, 1, (5.0,)),
        "two": tried([6.0], 102, every=2),
        "four": tried([7.0]),
    }
    assert end_to_end([early, late]) == {"one": Tried(8, 3.0, 0.25, 100, 1, (1.0, 2.0, 5.0))}
    assert end_to_end([early]) == early
    assert end_to_end([]) == {}


def test_seeds_widen_what_times_alone_would_say():
    rng = np.random.default_rng(2)
    market = rng.standard_normal(100)
    alike = np.tile(market, (5, 1)) + 0.3
    apart = alike + np.array([-2.0, -1.0, 0.0, 1.0, 2.0])[:, None]
    (mean, (low, high)), (other, (lowest, highest)) = pooled(alike), pooled(apart)
    assert mean == pytest.approx(other)
    assert highest - lowest > 3 * (high - low)
    # The seeds share their market: five of them say no more about it than one.
    assert high - low == pytest.approx(4 * market.std() / 10, rel=0.25)


def test_the_share_of_the_best_trades():
    trips = np.array([0, 0, 1, 2, 3])
    net = np.array([5.0, 5.0, 4.0, 3.0, -2.0])
    assert best_share(trips, net, best=2) == pytest.approx(14 / 15)
    assert best_share(trips, -net) is None
    assert best_share(trips[:0], net[:0]) is None
