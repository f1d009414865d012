"""Rolling windows: no bar of a test is known before it, every test bar is tested once."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets import MINUTE_NS, MONDAY_NS, walk_bars
from mlx_muzero.config.presets import FX_MICRO
from mlx_muzero.errors import DataError
from mlx_muzero.market.bars import utc_ns
from mlx_muzero.market.rolling_windows import rolling_windows
from mlx_muzero.market.sessions import SPLITS, split_ranges

fracs = st.tuples(st.floats(0.05, 0.9), st.floats(0.01, 0.9)).filter(lambda f: sum(f) < 0.98)


def cut(times, config, windows, **how):
    """Split ranges of the windows, each computed from its own bars alone."""
    found = []
    for market in rolling_windows(times, config, windows, **how):
        inside = (times >= utc_ns(market.first_utc)) & (times < utc_ns(market.end_utc))
        own = times[inside]
        ranges = split_ranges(own, market)
        spans = {s: own[(own >= r.first_ns) & (own < r.end_ns)] for s, r in ranges.items()}
        found.append((own, spans))
    return found


@given(fracs, st.integers(400, 3000), st.integers(1, 6))
def test_tests_follow_each_other_and_end_with_the_last_bar(shares, bars, windows):
    config = dataclasses.replace(FX_MICRO.market, train_frac=shares[0], validation_frac=shares[1])
    times = MONDAY_NS + MINUTE_NS * np.arange(bars, dtype=np.int64)
    found = cut(times, config, windows)
    assert len(found) == windows
    assert len({len(own) for own, _ in found}) == 1
    assert found[-1][0][-1] == times[-1]
    tests = np.concatenate([spans["test"] for _, spans in found])
    np.testing.assert_array_equal(tests, times[-len(tests) :])
    for own, spans in found:
        np.testing.assert_array_equal(own, np.concatenate([spans[s] for s in SPLITS]))


@given(fracs, st.integers(400, 3000), st.integers(1, 6))
def test_anchored_windows_train_on_all_before_the_same_validations_and_tests(shares, bars, windows):
    config = dataclasses.replace(FX_MICRO.market, train_frac=shares[0], validation_frac=shares[1])
    times = MONDAY_NS + MINUTE_NS * np.arange(bars, dtype=np.int64)
    anchored, rolling = (cut(times, config, windows, anchored=each) for each in (True, False))
    for (own, spans), (_, wanted) in zip(anchored, rolling, strict=True):
        assert own[0] == times[0]
        assert spans["train"][0] == times[0]
        for split in ("validation", "test"):
            np.testing.assert_array_equal(spans[split], wanted[split])
        rolled = wanted["train"]
        np.testing.assert_array_equal(spans["train"][-len(rolled) :], rolled)


@given(st.integers(0, 1000), st.integers(2, 5))
def test_with_several_pairs_nothing_trained_on_comes_after_its_test(seed, windows):
    rng = np.random.default_rng(seed)
    minutes = [np.sort(rng.choice(3000, 1200, replace=False)) for _ in range(2)]
    times = MONDAY_NS + MINUTE_NS * np.concatenate(minutes).astype(np.int64)
    found = cut(times, FX_MICRO.market, windows)
    for _, spans in found:
        assert spans["train"].max() < spans["validation"].min()
        assert spans["validation"].max() < spans["test"].min()
    for (_, before), (_, after) in pairwise(found):
        assert before["test"].max() < after["test"].max()


def test_too_few_bars():
    with pytest.raises(DataError, match="choose fewer"):
        rolling_windows(walk_bars(5).open_time_ns, FX_MICRO.market, 4)
