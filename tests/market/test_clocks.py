"""Clocks agree with zoneinfo, and HistData's with what its files show."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlx_muzero.errors import DataError
from mlx_muzero.market.clocks import HistDataClock, ZoneClock, parse_clock
from mlx_muzero.market.week_edges import WeekEdges
from mlx_muzero.timeunits import HOUR_NS, MINUTE_NS

ZONES = ["America/New_York", "Europe/London", "Europe/Athens", "Asia/Tokyo", "Australia/Sydney"]


def ns(text):
    return np.array([np.datetime64(text, "ns")]).astype(np.int64)


def text(times):
    return str(times.astype("M8[ns]")[0])[:16]


@settings(deadline=None)
@given(
    st.sampled_from(ZONES),
    st.lists(st.datetimes(datetime(1995, 1, 1), datetime(2035, 1, 1)), min_size=1, max_size=20),
)
def test_every_local_time_is_read_as_zoneinfo_reads_it(zone, walls):
    walls = [w.replace(second=0, microsecond=0) for w in walls]
    expected = [
        w.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None) for w in walls
    ]
    utc = ZoneClock(zone).to_utc(np.array(walls, "M8[ns]").astype(np.int64))
    assert utc.astype("M8[ns]").tolist() == np.array(expected, "M8[ns]").tolist()


@settings(deadline=None)
@given(
    st.sampled_from(ZONES),
    st.lists(st.datetimes(datetime(1995, 1, 1), datetime(2035, 1, 1)), min_size=1, max_size=20),
)
def test_from_utc_is_what_zoneinfo_says(zone, times):
    times = [t.replace(microsecond=0) for t in times]
    local = [t.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) for t in times]
    found = ZoneClock(zone, HOUR_NS).from_utc(np.array(times, "M8[ns]").astype(np.int64))
    assert (found - HOUR_NS).tolist() == np.array(local, "M8[ns]").astype(np.int64).tolist()


@pytest.mark.parametrize(
    ("wall", "utc"),
    [
        ("2018-01-05T08:30", "2018-01-05T13:30"),  # payrolls, winter
        ("2018-07-06T08:30", "2018-07-06T12:30"),  # payrolls, US daylight saving
        ("2018-03-16T16:59", "2018-03-16T20:59"),  # between the US and EU changes
        ("2019-03-15T15:59", "2019-03-15T20:59"),  # the same weeks a year later
        ("2019-11-01T07:30", "2019-11-01T12:30"),  # London is back on winter time, New York not
        ("2019-07-05T08:30", "2019-07-05T12:30"),
        ("2018-12-31T16:58", "2018-12-31T21:58"),
        ("2019-01-01T17:00", "2019-01-01T22:00"),
    ],
)
def test_histdata_follows_new_york_to_2018_and_london_from_2019(wall, utc):
    assert text(HistDataClock().to_utc(ns(wall))) == utc


def test_histdata_states_its_rule_by_year():
    rule = HistDataClock().describe(int(ns("2017-05-01")[0]), int(ns("2020-05-01")[0]))
    assert "2017-2018: New York" in rule
    assert "2019-2020: London" in rule
    assert "London" not in HistDataClock().describe(
        int(ns("2018-01-01")[0]), int(ns("2018-02-01")[0])
    )


@pytest.mark.parametrize(
    ("name", "utc"),
    [
        ("UTC", "2020-06-01T12:00"),
        ("UTC+2", "2020-06-01T10:00"),
        ("UTC-05:30", "2020-06-01T17:30"),
        ("Europe/Athens", "2020-06-01T09:00"),
        ("America/New_York+7", "2020-06-01T09:00"),
        ("Etc/GMT+5", "2020-06-01T17:00"),
        ("histdata", "2020-06-01T16:00"),
    ],
)
def test_clocks_by_name(name, utc):
    assert text(parse_clock(name).to_utc(ns("2020-06-01T12:00"))) == utc


@pytest.mark.parametrize("name", ["Mars/Base", "UTC+99", "", "America"])
def test_an_unknown_clock_is_an_error_that_lists_the_known(name):
    with pytest.raises(DataError, match="IANA"):
        parse_clock(name)


@pytest.mark.parametrize("step", [1, -1])
def test_weeks_contradict_a_clock_whichever_way_a_file_runs(step):
    weeks = WeekEdges()
    walls = fx_weeks(parse_clock("America/New_York"), "2022-01-03", 48)[::step]
    for part in np.array_split(walls, 3):
        weeks.see(part)
    assert weeks.contradict(parse_clock("America/New_York")) is None
    assert weeks.contradict(parse_clock("UTC")) == parse_clock("America/New_York")
    assert weeks.stamps(parse_clock("America/New_York")) == "open"


def shown_clock(wall_ns):
    """The clock that the weeks of a file show, read in three parts."""
    weeks = WeekEdges()
    for part in np.array_split(wall_ns, 3):
        weeks.see(part)
    return weeks.clock()


def fx_weeks(clock, first, weeks):
    """Wall times of bars every 10 minutes of FX weeks, as a broker on `clock` writes them."""
    monday = datetime.fromisoformat(first)
    walls = []
    for week in range(weeks):
        friday = monday + timedelta(days=4 + 7 * week, hours=17)
        opened = ns(friday - timedelta(days=5))[0]
        closed = ns(friday)[0]
        walls.append(np.append(np.arange(opened, closed, 10 * MINUTE_NS), closed - MINUTE_NS))
    return clock.from_utc(ZoneClock("America/New_York").to_utc(np.concatenate(walls)))


@pytest.mark.parametrize(
    "clock",
    [
        ZoneClock("UTC", 2 * HOUR_NS),
        ZoneClock("UTC"),
        ZoneClock("UTC", -3 * HOUR_NS),
        ZoneClock("America/New_York", 7 * HOUR_NS),
        ZoneClock("Europe/London", 2 * HOUR_NS),
    ],
)
def test_a_brokers_clock_shows_in_its_weekends(clock):
    assert shown_clock(fx_weeks(clock, "2022-01-03", 48)) == clock


def test_nothing_is_guessed_from_too_little_or_from_disagreement():
    clock = ZoneClock("UTC", 2 * HOUR_NS)
    assert shown_clock(fx_weeks(clock, "2022-01-03", 2)) is None
    mixed = fx_weeks(clock, "2022-01-03", 8)
    mixed[len(mixed) // 2 :] += 3 * HOUR_NS
    assert shown_clock(mixed) is None
    assert shown_clock(np.arange(10_000) * MINUTE_NS) is None


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("America/New_York+7", None),
        ("Europe/Athens", "America/New_York+7"),  # European daylight saving, not American
        ("UTC+2", "America/New_York+7"),
        ("UTC", "America/New_York+7"),
    ],
)
def test_a_clock_that_the_weeks_contradict_is_seen(told, shown):
    weeks = WeekEdges()
    weeks.see(fx_weeks(parse_clock("America/New_York+7"), "2022-01-03", 48))
    found = weeks.contradict(parse_clock(told))
    assert (found and found.name) == shown


@pytest.mark.parametrize(("late", "stamps"), [(0, "open"), (MINUTE_NS, "close")])
def test_weeks_show_where_a_bar_is_stamped(late, stamps):
    clock = parse_clock("America/New_York+7")
    weeks = WeekEdges()
    weeks.see(fx_weeks(clock, "2022-01-03", 8) + late)
    assert weeks.stamps(clock) == stamps
    assert weeks.clock() is not None


@pytest.mark.parametrize(("first", "stamps"), [(0, "open"), (1, "close"), (2, None)])
def test_days_show_where_a_bar_is_stamped(first, stamps):
    days = WeekEdges()
    days.see(ns("2022-01-03")[0] + (first + np.arange(2 * 1440)) * MINUTE_NS)
    assert days.stamps(ZoneClock("UTC")) == stamps
