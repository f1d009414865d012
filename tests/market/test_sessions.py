import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import examples
from markets import MINUTE_NS, MONDAY_NS, walk_bars
from mlx_muzero.config.presets import PRESETS
from mlx_muzero.config.schema import Config, MarketConfig, ModelConfig, TrainConfig
from mlx_muzero.errors import DataError
from mlx_muzero.market.bars import utc_ns
from mlx_muzero.market.clocks import ZoneClock
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.observation.fx_features import HISTORY_BARS
from mlx_muzero.market.sessions import (
    SPLITS,
    SplitRange,
    embargoed,
    gap_bars,
    reach_bars,
    separate_sessions,
    session_starts,
    split_ranges,
    spread_evenly,
)

LOOKBACK = HISTORY_BARS + 8 - 2

CONFIG = MarketConfig(session_bars=20, window_bars=8)


def times_with_holes(count, holes):
    steps = np.full(count - 1, MINUTE_NS)
    for at, minutes in holes:
        steps[at % (count - 1)] = minutes * MINUTE_NS
    return MONDAY_NS + np.concatenate([[0], np.cumsum(steps)])


def starts_of(times, split, pair=None):
    """Starts where an observation depends on `LOOKBACK` bars of its pair before it."""
    pair = np.zeros(len(times), np.int16) if pair is None else pair
    first = np.searchsorted(pair, pair)
    bar = np.arange(len(times))
    seen_from = np.where(bar - LOOKBACK >= first, bar - LOOKBACK, -1)
    return session_starts(times, pair, seen_from, CONFIG, split_ranges(times, CONFIG)[split])


@examples(50)
@given(
    holes=st.lists(st.tuples(st.integers(0, 4000), st.integers(2, 3000)), max_size=6),
    count=st.integers(300, 3000),
)
def test_every_bar_of_a_session_is_in_its_split_and_unbroken(holes, count):
    times = times_with_holes(count, holes)
    ranges = split_ranges(times, CONFIG)
    for split in SPLITS:
        for start in starts_of(times, split).tolist():
            first_seen = start - CONFIG.window_bars + 1
            assert times[first_seen - (HISTORY_BARS - 1)] >= ranges[split].first_ns
            assert times[start + CONFIG.session_bars] < ranges[split].end_ns
            gaps = np.diff(times[first_seen : start + CONFIG.session_bars + 1])
            assert gaps.max() <= CONFIG.max_gap_minutes * MINUTE_NS


@examples(50)
@given(lengths=st.lists(st.integers(1, 200), min_size=1, max_size=4), seed=st.integers(0, 99))
def test_splits_of_several_pairs_are_those_of_their_sorted_bars(lengths, seed):
    rng = np.random.default_rng(seed)
    pairs = [np.sort(rng.choice(500, count, replace=False)) * MINUTE_NS for count in lengths]
    times = np.concatenate(pairs)
    ends = [*np.sort(times).tolist(), np.iinfo(np.int64).max]
    wanted = [
        round(len(times) * share)
        for share in (0, CONFIG.train_frac, CONFIG.train_frac + CONFIG.validation_frac)
    ]
    ranges = split_ranges(times, CONFIG)
    assert [ranges[split].first_ns for split in SPLITS] == [ends[place] for place in wanted]
    assert ranges["test"].end_ns == ends[-1]


def test_starts_do_not_depend_on_how_many_bars_are_searched_at_once(monkeypatch):
    times = np.concatenate([times_with_holes(1500, [(300, 11), (770, 400)])] * 2)
    pair = np.repeat(np.arange(2, dtype=np.int16), 1500)
    whole = [starts_of(times, split, pair).tolist() for split in SPLITS]
    monkeypatch.setattr("mlx_muzero.market.sessions._BLOCK_BARS", 7)
    assert [starts_of(times, split, pair).tolist() for split in SPLITS] == whole
    assert all(whole)


def test_all_starts_are_found():
    times = times_with_holes(1000, [(400, 11)])
    starts = starts_of(times, "train")
    first = HISTORY_BARS - 1 + CONFIG.window_bars - 1
    before = range(first, 400 - CONFIG.session_bars + 1)
    after = range(401 + CONFIG.window_bars - 1, 700 - CONFIG.session_bars)
    assert starts.tolist() == [*before, *after]


def test_splits_are_chronological_and_cover_all_bars():
    times = times_with_holes(1001, [(500, 90)])
    ranges = split_ranges(times, CONFIG)
    bars = [int(((times >= r.first_ns) & (times < r.end_ns)).sum()) for r in ranges.values()]
    assert bars == [701, 150, 150]
    assert ranges["train"].end_ns == ranges["validation"].first_ns
    assert ranges["validation"].end_ns == ranges["test"].first_ns


@given(embargo=st.integers(0, 60), pairs=st.integers(1, 3))
@examples(20)
def test_an_embargo_leaves_out_bars_after_each_split(embargo, pairs):
    own = times_with_holes(1500, [])
    times, pair = np.tile(own, pairs), np.repeat(np.arange(pairs, dtype=np.int16), len(own))
    config = dataclasses.replace(CONFIG, embargo_bars=embargo)
    before, after = split_ranges(times, CONFIG), split_ranges(times, config)
    assert after["train"] == before["train"]
    for split in ("validation", "test"):
        left_out = before[split].first_ns + embargo * MINUTE_NS
        assert after[split].first_ns == after[split].seen_from_ns == left_out
        assert after[split].end_ns == before[split].end_ns
    bar = np.arange(len(times))
    seen = np.where(bar % len(own) >= LOOKBACK, bar - LOOKBACK, -1)
    starts = session_starts(times, pair, seen, config, after["validation"])
    first = times[starts].min() - before["train"].end_ns
    assert first == gap_bars(config) * MINUTE_NS


@given(
    window=st.integers(1, 200),
    unroll=st.integers(0, 20),
    targets=st.integers(0, 400),
    features=st.sampled_from(["micro", "fx_context"]),
    factored=st.booleans(),
)
def test_what_training_reaches_over_lies_between_the_splits(
    window, unroll, targets, features, factored
):
    market = MarketConfig(window_bars=window, features=features)
    train = TrainConfig(num_unroll_steps=unroll, td_steps=0 if factored else targets)
    if factored:
        train = dataclasses.replace(train, hold_bars=max(targets, 1))
    model = ModelConfig(kind="factored" if factored else "muzero")
    config = Config(market=market, model=model, train=train)
    settled = embargoed(config)
    reach = window + unroll + (train.hold_bars if factored else targets)
    assert reach == reach_bars(config)
    assert gap_bars(settled.market) == max(reach, gap_bars(market))
    assert embargoed(settled) is settled  # what a run records is kept
    for stated in (0, 7):
        own = dataclasses.replace(config, market=dataclasses.replace(market, embargo_bars=stated))
        assert embargoed(own) is own


@pytest.mark.parametrize("name", PRESETS)
def test_the_warm_up_of_every_preset_is_embargo_enough(name):
    assert embargoed(PRESETS[name]).market.embargo_bars == 0


def test_pairs_are_split_at_the_same_times_and_sessions_stay_in_their_pair():
    early, late = times_with_holes(900, []), times_with_holes(1200, []) + 500 * MINUTE_NS
    times, pair = np.concatenate([early, late]), np.repeat(np.int16([0, 1]), [900, 1200])
    ranges = split_ranges(times, CONFIG)
    found = {split: starts_of(times, split, pair) for split in SPLITS}
    for split, starts in found.items():
        ends = starts + CONFIG.session_bars
        assert (pair[starts - LOOKBACK] == pair[ends]).all()
        assert (times[starts - LOOKBACK] >= ranges[split].first_ns).all()
        assert (times[ends] < ranges[split].end_ns).all()
    assert set(pair[found["train"]]) == {0, 1}
    assert set(pair[found["test"]]) == {1}


def test_separate_sessions_share_no_step():
    times, pair = MONDAY_NS + np.arange(100) * MINUTE_NS, np.zeros(100, np.int16)
    starts = separate_sessions(np.array([5, 6, 24, 25, 26, 60]), times, pair, CONFIG)
    assert starts.tolist() == [5, 25, 60]


def test_spread_evenly_keeps_both_ends():
    assert spread_evenly(np.arange(10), 3).tolist() == [0, 4, 9]
    assert spread_evenly(np.arange(3), 10).tolist() == [0, 1, 2]


def test_too_few_bars_name_the_symbol_and_the_remedy():
    config = dataclasses.replace(CONFIG, symbol="EURUSD")
    dataset = MarketDataset.from_bars(walk_bars(200), config)
    with pytest.raises(
        DataError, match=r"EURUSD: the test split has no session .*data check EURUSD` "
    ):
        dataset.evaluation_starts("test")
    other = r"`mlx-muzero data check EURUSD --db 'my store'` lists the gaps"
    with pytest.raises(DataError, match=other):
        dataset.loaded_from(Path("my store")).training_starts()


@examples(40)
@given(
    holes=st.lists(
        st.lists(st.tuples(st.integers(0, 1500), st.integers(2, 300)), max_size=5),
        min_size=2,
        max_size=4,
    ),
    shift=st.integers(0, 200),
)
def test_sessions_of_several_pairs_overlap_with_those_they_began_with_alone(holes, shift):
    several = [
        times_with_holes(1500, own) + number * shift * MINUTE_NS for number, own in enumerate(holes)
    ]
    times = np.concatenate(several)
    pair = np.repeat(np.arange(len(several), dtype=np.int16), 1500)
    starts = starts_of(times, "train", pair)
    chosen = separate_sessions(starts, times, pair, CONFIG)
    begin, end = times[chosen], times[chosen + CONFIG.session_bars]
    late_ns = CONFIG.max_gap_minutes * MINUTE_NS
    for one in range(len(chosen)):
        overlapping = (begin < end[one]) & (begin[one] < end)
        assert np.abs(begin[overlapping] - begin[one]).max() <= late_ns
        assert len(set(pair[chosen[overlapping]])) == overlapping.sum()
    # None that overlaps with no session chosen was left out.
    for start in np.setdiff1d(starts, chosen):
        assert ((begin < times[start + CONFIG.session_bars]) & (times[start] < end)).any()


def days_starts(times, config, pair=None):
    """Starts with all bars in one split, each observable by itself."""
    pair = np.zeros(len(times), np.int16) if pair is None else pair
    span = SplitRange(int(times.min()), int(times.max()) + 1, int(times.min()))
    return session_starts(times, pair, np.arange(len(times)), config, span)


def decided_at(times, starts, zone):
    """Local times of the first decisions, as text."""
    local = ZoneClock(zone).from_utc(times[starts] + MINUTE_NS)
    return [str(time.astype("M8[ns]").astype("M8[m]")) for time in local]


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "Europe/London"])
def test_day_sessions_start_at_a_local_time_summer_and_winter(zone):
    config = dataclasses.replace(CONFIG, session_start=f"08:00 {zone}", session_bars=1200)
    times = utc_ns("2019-03-29") + MINUTE_NS * np.arange(5 * 1440)
    starts = days_starts(times, config)
    found = decided_at(times, starts, zone)
    assert [time[11:] for time in found] == ["08:00"] * len(found)
    assert len({time[:10] for time in found}) == len(found) == 4
    assert separate_sessions(starts, times, np.zeros(len(times), np.int16), config).tolist() == (
        starts.tolist()
    )


@pytest.mark.parametrize(("missing", "start"), [(1, "08:01"), (10, "08:10"), (11, None)])
def test_a_day_starts_late_where_bars_are_missing_but_not_too_late(missing, start):
    # The window of 8 bars may look across the hole: only the delay is meant here.
    config = dataclasses.replace(CONFIG, session_start="08:00 Asia/Tokyo", window_bars=1)
    times = utc_ns("2019-01-08 22:00") + MINUTE_NS * np.arange(300)
    decided, eight = times + MINUTE_NS, utc_ns("2019-01-08 23:00")
    times = times[(decided < eight) | (decided >= eight + missing * MINUTE_NS)]
    found = decided_at(times, days_starts(times, config), "Asia/Tokyo")
    assert [time[11:] for time in found] == ([] if start is None else [start])


def test_each_pair_starts_its_day():
    config = dataclasses.replace(CONFIG, session_start="08:00 Asia/Tokyo")
    one = utc_ns("2019-01-08 22:00") + MINUTE_NS * np.arange(1600)
    times, pair = np.concatenate([one, one]), np.repeat(np.int16([0, 1]), len(one))
    starts = days_starts(times, config, pair)
    assert pair[starts].tolist() == [0, 0, 1, 1]
    assert len(set(times[starts].tolist())) == 2


def test_a_split_without_a_day_names_the_time(small_config):
    market = dataclasses.replace(small_config.market, session_start="08:00 Asia/Tokyo")
    dataset = MarketDataset.from_bars(walk_bars(1200), market)
    with pytest.raises(DataError, match=r"no session of 12 bars from 08:00 Asia/Tokyo"):
        dataset.evaluation_starts("test")
