"""What surrounds a bar: each column by hand, causal, and independent of older bars."""

import dataclasses

import numpy as np
import pytest

from markets import MINUTE_NS, quoted_bars, walk_bars
from mlx_muzero.config.local_times import DailyEvent, LocalTime, events_problem
from mlx_muzero.config.presets import FX_MICRO
from mlx_muzero.market.bars import utc_ns
from mlx_muzero.market.observation.daily_events import event_times, nearness
from mlx_muzero.market.observation.frames import market_feature_names, market_rows
from mlx_muzero.market.observation.fx_context import HISTORY_BARS, fx_context, fx_context_names

CONFIG = dataclasses.replace(FX_MICRO.market, features="fx_context")
NAMES = fx_context_names(CONFIG)
PIP = CONFIG.pip_size
HOLE = 4400
FIX = DailyEvent.parse("tokyo_fix 09:55 Asia/Tokyo")


@pytest.fixture(scope="module")
def bars():
    """Three days more than a row needs, with a weekend in them."""
    return with_weekend(walk_bars(HISTORY_BARS + 4320), HOLE)


def with_weekend(bars, first):
    """`bars`, of which those from `first` on come two days later."""
    away = np.where(np.arange(len(bars)) >= first, 2 * 1440 * MINUTE_NS, 0)
    return dataclasses.replace(bars, open_time_ns=bars.open_time_ns + away)


@pytest.fixture(scope="module")
def rows(bars):
    return fx_context(bars.open_time_ns, bars.close, None, CONFIG)


def context_of(bars, newest=0):
    return fx_context(bars.open_time_ns, bars.close, None, CONFIG, newest)


def at(rows, name):
    return rows[:, NAMES.index(name)]


def known_at(*times):
    """Rows of bars that close at these times; only what follows from the time is meant."""
    opens = np.array([utc_ns(time) for time in times]) - MINUTE_NS
    order = np.argsort(opens)
    long_ago = opens.min() - MINUTE_NS * np.arange(HISTORY_BARS, 0, -1)
    history = np.concatenate([long_ago, opens[order]])
    table = fx_context(history, np.full(len(history), 110.0), None, CONFIG, newest=len(opens))
    return table[np.argsort(order)]


def test_rows_before_the_history_are_unknown_and_later_ones_finite(rows):
    assert rows.dtype == np.float32
    assert rows.shape[1] == len(NAMES)
    assert np.isnan(rows[: HISTORY_BARS - 1]).all()
    assert np.isfinite(rows[HISTORY_BARS - 1 :]).all()


def test_volatility_is_in_pips_and_passes_over_holes(bars, rows):
    last = len(bars) - 1
    moves = np.diff(bars.close[last - 30 : last + 1]) / PIP
    wanted = np.log(np.sqrt(np.mean(moves**2)))
    assert at(rows, "log_volatility_pips_30")[last] == pytest.approx(wanted, abs=1e-4)
    jumped = np.where(bars.open_time_ns >= bars.open_time_ns[HOLE], bars.close + 5.0, bars.close)
    moved = fx_context(bars.open_time_ns, jumped, None, CONFIG)
    for name in NAMES:
        same = np.array_equal(at(rows, name)[-1:], at(moved, name)[-1:])
        assert same == (not name.endswith(("range_7200_bars", "range_pips_7200"))), name


def test_twice_the_moves_are_twice_the_volatility_but_the_same_changes(bars, rows):
    wild = 110.0 + 2.0 * (bars.close - 110.0)
    doubled = fx_context(bars.open_time_ns, wild, None, CONFIG)[HISTORY_BARS:]
    for name in NAMES:
        before, after = at(rows[HISTORY_BARS:], name), at(doubled, name)
        further = np.log(2.0) if name.startswith("log_") else 0.0
        np.testing.assert_allclose(after, before + further, atol=1e-4)


def test_a_change_is_over_the_usual_one_of_that_many_bars(bars, rows):
    last = len(bars) - 1
    day = np.diff(bars.close[last - 1440 : last + 1]) / PIP
    moved = (bars.close[last] - bars.close[last - 60]) / PIP
    wanted = moved / (np.sqrt(np.mean(day**2)) * np.sqrt(60))
    assert at(rows, "change_60")[last] == pytest.approx(wanted, rel=1e-3)


def test_a_window_has_a_width_and_the_close_a_place_in_it(bars, rows):
    last = len(bars) - 1
    week = bars.close[last - 7199 : last + 1]
    width = week.max() - week.min()
    place = (week[-1] - week.min()) / width
    assert at(rows, "position_in_range_7200_bars")[last] == pytest.approx(place, abs=1e-6)
    assert at(rows, "log_range_pips_7200")[last] == pytest.approx(np.log(width / PIP), abs=1e-5)


def test_the_market_has_just_reopened_after_a_hole(rows):
    reopened = at(rows, "reopened")
    away = np.exp(-(HISTORY_BARS - 1 - HOLE) / 120.0)
    assert reopened[HISTORY_BARS - 1] == pytest.approx(away, rel=1e-5)
    assert (np.diff(reopened[HISTORY_BARS - 1 : HISTORY_BARS + 200]) < 0).all()


def test_local_clocks_follow_daylight_saving():
    winter, summer = known_at("2018-01-10 12:00", "2018-07-10 12:00")

    def hour(row, place):
        cos, sin = (row[NAMES.index(f"{place}_{part}")] for part in ("cos", "sin"))
        return np.arctan2(sin, cos) % (2 * np.pi) / (2 * np.pi) * 24

    assert [round(float(hour(row, "tokyo"))) for row in (winter, summer)] == [21, 21]
    assert [round(float(hour(row, "london"))) for row in (winter, summer)] == [12, 13]
    assert [round(float(hour(row, "new_york"))) for row in (winter, summer)] == [7, 8]


def test_dates_are_those_of_tokyo():
    # 23:00 UTC on Sunday 3 June 2018 is Monday the 4th there; 5 June settles.
    monday, tuesday = known_at("2018-06-03 23:00", "2018-06-05 01:00")
    assert monday[NAMES.index("gotobi")] == 0.0
    assert tuesday[NAMES.index("gotobi")] == 1.0
    assert monday[NAMES.index("weekday_cos")] == 1.0
    assert monday[NAMES.index("month_sin")] == pytest.approx(np.sin(2 * np.pi * 3 / 30), abs=1e-6)
    closed, opened = known_at("2018-05-04 01:00", "2018-05-07 01:00")
    assert (closed[NAMES.index("japan_open")], opened[NAMES.index("japan_open")]) == (0.0, 1.0)


def test_the_fix_is_ahead_until_it_is_past():
    before, there, after = (
        [float(each[0]) for each in nearness(FIX, np.array([utc_ns(time)]))]
        for time in ("2018-06-05 00:25", "2018-06-05 00:55", "2018-06-05 01:25")
    )
    assert before == pytest.approx([np.exp(-1), 0.0], abs=1e-9)
    assert there == pytest.approx([0.0, 1.0], abs=1e-9)
    assert after == pytest.approx([0.0, np.exp(-1)], abs=1e-9)


def test_tokyo_does_not_fix_on_its_holidays_but_new_york_closes():
    holiday = utc_ns("2019-05-01")
    fixes = event_times(FIX, holiday, holiday)
    fixed = {str(time.astype("M8[ns]").astype("M8[D]")) for time in fixes}
    assert "2019-04-26" in fixed
    assert not {f"2019-05-0{day}" for day in range(1, 7)} & fixed
    close = DailyEvent.parse("new_york_close 16:00 America/New_York")
    closes = event_times(close, holiday, holiday).astype("M8[ns]").astype("M8[m]").astype(str)
    assert "2019-05-01T20:00" in closes
    assert "2019-05-04T20:00" not in closes  # a Saturday


def test_the_spread_is_told_where_it_is_known():
    bars = quoted_bars(HISTORY_BARS + 3)
    spread = bars.extras["open_ask"] - bars.open
    spread[-1], spread[-2] = np.nan, -0.01
    rows = fx_context(bars.open_time_ns, bars.close, spread, CONFIG, newest=3)
    assert at(rows, "spread_pips_known").tolist() == [1.0, 0.0, 0.0]
    assert at(rows, "spread_pips")[0] == np.float32(spread[-3] / PIP)
    assert at(rows, "spread_pips")[1:].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("first", [1, 4000, 4320])
def test_a_row_depends_on_its_history_alone(bars, rows, first):
    # The history begins in the middle of a week, or with the first bar after a weekend.
    for held, whole in ((bars, rows), (early := with_weekend(bars, first), context_of(early))):
        part = held.slice(first, len(held))
        same = slice(first + HISTORY_BARS - 1, None)
        assert context_of(part)[HISTORY_BARS - 1 :].tobytes() == whole[same].tobytes()
        assert context_of(part, newest=1).tobytes() == whole[-1:].tobytes()


def test_later_bars_change_no_row(bars, rows):
    cut = HISTORY_BARS + 1000
    early = context_of(bars.slice(0, cut))
    assert early.tobytes() == rows[:cut].tobytes()


def test_a_flat_market_has_a_finite_context():
    times = walk_bars(HISTORY_BARS).open_time_ns
    row = fx_context(times, np.full(len(times), 110.0), None, CONFIG)[-1]
    assert np.isfinite(row).all()
    assert row[NAMES.index("position_in_range_120_bars")] == 0.5


def test_an_observation_has_the_nine_columns_and_the_context(bars):
    names = market_feature_names(CONFIG)
    assert names[:9] == market_feature_names(FX_MICRO.market)
    assert len(set(names)) == len(names)
    rows = market_rows(bars, {}, CONFIG)
    assert rows.minutes.shape[1] + rows.context.shape[1] == len(names)
    seen = np.flatnonzero(rows.seen_from >= 0)
    assert seen[0] == HISTORY_BARS - 1
    assert np.isfinite(rows.context[seen]).all()
    assert (seen - rows.seen_from[seen] == HISTORY_BARS - 1).all()


def test_configured_events_name_the_columns():
    config = dataclasses.replace(CONFIG, events=("ecb 14:15 Europe/Berlin",))
    names = fx_context_names(config)
    assert {"ecb_ahead", "ecb_since"} <= set(names)
    assert not any("fix" in name for name in names)


@pytest.mark.parametrize(
    ("texts", "wrong"),
    [
        (("fix 9:55 Asia/Tokyo",), "'9:55 Asia/Tokyo' is not a local time: write 07:00"),
        (("fix 24:00 Asia/Tokyo",), "is not a local time"),
        (("fix 09:55 Asia/Edo",), "'Asia/Edo' is not a time zone known here"),
        (("09:55 Asia/Tokyo",), "is not an event: write tokyo_fix 09:55"),
        (("a 09:55 Asia/Tokyo", "a 10:00 Asia/Tokyo"), "two events are named a"),
    ],
)
def test_events_that_cannot_be_read(texts, wrong):
    assert wrong in events_problem(texts)


def test_a_local_time_counts_from_midnight():
    assert LocalTime.parse("07:30 Asia/Tokyo") == (450, "Asia/Tokyo")
    assert LocalTime.parse("07:30 Asia/Tokyo").ns == 450 * MINUTE_NS
