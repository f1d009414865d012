"""The quality report names each kind of defect, planted or real."""

import os
from pathlib import Path

import numpy as np
import pytest

from mlx_muzero.market.bars import Bars
from mlx_muzero.market.calendar import Closures, fx_weekends
from mlx_muzero.market.importers import import_file
from mlx_muzero.market.quality import GapKind, check, classify_gaps
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.timeunits import DAY_NS, HOUR_NS, MINUTE_NS

DATA = os.environ.get("MLX_MUZERO_TEST_DATA")


def ns(text):
    return int(np.datetime64(text, "ns").astype(np.int64))


def bars_at(times, symbol="USDJPY", close=None):
    times = np.asarray(times, np.int64)
    if close is None:
        close = 110 + np.cumsum(np.random.default_rng(0).choice([-0.01, 0.01], len(times)))
    return Bars(symbol, times, close, close, close, close, np.ones(len(times)))


def gap(start, end, market="fx"):
    """Kind of the gap whose first missing minute is `start` and whose next bar is at `end`."""
    (found,) = classify_gaps(np.array([ns(start) - MINUTE_NS, ns(end)]), market)
    assert found.missing_minutes == (ns(end) - ns(start)) // MINUTE_NS
    return found.kind


@pytest.mark.parametrize(
    ("start", "end", "kind"),
    [
        ("2018-03-07T10:00", "2018-03-07T10:01", GapKind.ONE_MINUTE),
        ("2018-03-07T10:00", "2018-03-07T10:10", GapKind.SHORT),
        ("2018-03-07T10:00", "2018-03-07T10:11", GapKind.OUTAGE),
        ("2018-03-09T22:00", "2018-03-11T21:00", GapKind.WEEKEND),  # US daylight saving begins
        ("2018-07-06T21:00", "2018-07-08T21:09", GapKind.WEEKEND),
        ("2018-07-06T15:00", "2018-07-08T21:00", GapKind.OUTAGE),  # six open hours are missing too
        ("2017-12-22T22:00", "2017-12-25T22:00", GapKind.HOLIDAY),
        ("2018-12-31T21:59", "2019-01-01T22:00", GapKind.HOLIDAY),
        ("2020-11-30T05:00", "2020-12-01T00:00", GapKind.OUTAGE),
        ("2018-05-01T21:00", "2018-05-02T21:05", GapKind.HOLIDAY),  # a whole trading day
    ],
)
def test_fx_gaps_by_cause(start, end, kind):
    assert gap(start, end) == kind


@pytest.mark.parametrize(
    ("start", "end", "while_open"),
    [
        ("2018-07-06T21:00", "2018-07-08T21:11", 11),  # 11 minutes late on Sunday
        ("2018-07-06T18:00", "2018-07-08T21:00", 180),
        ("2018-07-06T20:00", "2018-07-08T23:00", 180),
    ],
)
def test_hours_missing_beside_a_weekend_are_no_weekend(start, end, while_open):
    (found,) = classify_gaps(np.array([ns(start) - MINUTE_NS, ns(end)]), "fx")
    assert (found.kind, found.open_minutes) == (GapKind.OUTAGE, while_open)


def test_a_year_without_its_sunday_evenings_says_so():
    # As a damaged year has it: half of the weekends end three hours late.
    sundays = ns("2023-01-08T22:00") + np.arange(8) * 7 * DAY_NS
    weeks = [
        start + np.arange(late, 5 * 24 * 60) * MINUTE_NS
        for start, late in zip(sundays, [0, 180] * 4, strict=True)
    ]
    report = check(bars_at(np.concatenate(weeks)), "fx")
    assert report.gap_counts[GapKind.WEEKEND] == 3
    assert report.gap_counts[GapKind.OUTAGE] == 4
    assert report.open_minutes[GapKind.OUTAGE] == 4 * 180
    assert report.open_minutes[GapKind.WEEKEND] == 0
    assert [gap.open_minutes for gap in report.gaps] == [180] * 4


def test_crypto_never_closes():
    assert gap("2018-07-06T21:00", "2018-07-08T21:00", "crypto") == GapKind.OUTAGE


def test_closures_add_up():
    weekends = fx_weekends(ns("2018-01-01"), ns("2018-12-31"))
    year = np.array([ns("2018-01-01")]), np.array([ns("2018-12-31")])
    assert weekends.closed_ns(*year)[0] == 52 * 48 * HOUR_NS
    twice = Closures.union(weekends, weekends)
    assert np.array_equal(twice.start_ns, weekends.start_ns)
    inside = np.array([ns("2018-07-07T01:00")]), np.array([ns("2018-07-07T03:00")])
    assert twice.closed_ns(*inside)[0] == 2 * HOUR_NS


def test_planted_defects_are_counted():
    times = ns("2018-03-07") + np.arange(1200) * MINUTE_NS
    close = bars_at(times).close.copy()
    close[300] += 5.0  # a bad tick: there and back
    close[600:] += 3.0  # a jump that stays
    bars = bars_at(times, close=close)
    low = bars.low.copy()
    low[10], low[20] = 0.0, close[20] + 1
    bars = Bars("USDJPY", times, bars.open, bars.high, low, close, bars.volume * 0)
    report = check(bars, "fx", source_repeats=60)
    assert report.impossible["a price is zero or negative"] == 1
    assert report.impossible["open or close outside low to high"] == 1
    assert [(o.open_time_ns - times[0]) // MINUTE_NS for o in report.outliers] == [300, 301, 600]
    assert [o.reverted for o in report.outliers] == [True, False, False]
    assert report.source_repeats == 60
    assert report.zero_volume_bars == 1200
    assert report.saturday_bars == 0


def test_saturday_bars_matter_to_fx_alone():
    times = ns("2018-03-10T12:00") + np.arange(30) * MINUTE_NS
    assert check(bars_at(times), "fx").saturday_bars == 30
    assert check(bars_at(times, "BTCUSDT"), "crypto").saturday_bars == 0


@pytest.mark.skipif(DATA is None, reason="MLX_MUZERO_TEST_DATA names no data folder")
def test_a_real_crisis_year_has_the_holes_that_were_counted(tmp_path):
    with BarStore(tmp_path / "market.duckdb") as store:
        import_file(store, Path(DATA) / "fx/AUDJPY_M1_2008.parquet")
        report = check(store.load("AUDJPY"), "fx")
    counts = report.gap_counts
    assert report.bars == 363_991
    # 53 weekends and holidays; every one of 7,270 gaps has a kind.
    assert sum(counts.values()) == 7_270
    assert 52 <= counts[GapKind.WEEKEND] + counts[GapKind.HOLIDAY] <= 54
    assert sum(report.impossible.values()) == report.saturday_bars == 0
    assert report.last_ns - report.first_ns < 366 * DAY_NS
