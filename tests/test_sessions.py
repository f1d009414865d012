import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from markets import MINUTE_NS, MONDAY_NS, walk_bars
from mlx_muzero.config import MarketConfig
from mlx_muzero.errors import DataError
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.features import HISTORY_BARS
from mlx_muzero.market.sessions import (
    SPLITS,
    separate_sessions,
    session_starts,
    split_ranges,
    spread_evenly,
)

CONFIG = MarketConfig(session_bars=20, window_bars=8)


def times_with_holes(count, holes):
    steps = np.full(count - 1, MINUTE_NS)
    for at, minutes in holes:
        steps[at % (count - 1)] = minutes * MINUTE_NS
    return MONDAY_NS + np.concatenate([[0], np.cumsum(steps)])


@settings(max_examples=50, deadline=None)
@given(
    holes=st.lists(st.tuples(st.integers(0, 4000), st.integers(2, 3000)), max_size=6),
    count=st.integers(300, 3000),
)
def test_every_bar_of_a_session_is_in_its_split_and_unbroken(holes, count):
    times = times_with_holes(count, holes)
    ranges = split_ranges(count, CONFIG)
    for split in SPLITS:
        for start in session_starts(times, CONFIG, split).tolist():
            first_seen = start - CONFIG.window_bars + 1
            assert first_seen - (HISTORY_BARS - 1) >= ranges[split].first
            assert start + CONFIG.session_bars < ranges[split].end
            gaps = np.diff(times[first_seen : start + CONFIG.session_bars + 1])
            assert gaps.max() <= CONFIG.max_gap_minutes * MINUTE_NS


def test_all_starts_are_found():
    times = times_with_holes(1000, [(400, 11)])
    starts = session_starts(times, CONFIG, "train")
    first = HISTORY_BARS - 1 + CONFIG.window_bars - 1
    before = range(first, 400 - CONFIG.session_bars + 1)
    after = range(401 + CONFIG.window_bars - 1, 700 - CONFIG.session_bars)
    assert starts.tolist() == [*before, *after]


def test_splits_are_chronological_and_cover_all_bars():
    ranges = split_ranges(1001, CONFIG)
    assert ranges["train"].first == 0
    assert ranges["train"].end == ranges["validation"].first
    assert ranges["validation"].end == ranges["test"].first
    assert ranges["test"].end == 1001


def test_separate_sessions_share_no_step():
    starts = separate_sessions(np.array([5, 6, 24, 25, 26, 60]), 20)
    assert starts.tolist() == [5, 25, 60]


def test_spread_evenly_keeps_both_ends():
    assert spread_evenly(np.arange(10), 3).tolist() == [0, 4, 9]
    assert spread_evenly(np.arange(3), 10).tolist() == [0, 1, 2]


def test_too_few_bars_name_the_symbol_and_the_remedy():
    config = dataclasses.replace(CONFIG, symbol="EURUSD")
    dataset = MarketDataset.from_bars(walk_bars(200), config)
    with pytest.raises(DataError, match=r"EURUSD: the test split has no session .*data check"):
        dataset.evaluation_starts("test")
