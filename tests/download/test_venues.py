"""Downloads from loopback venues, each with a way of answering that some real venue has."""

import pytest

from downloads import NOW, reports, run, stored
from examples import cases
from mlx_muzero.timeunits import MINUTE_NS
from moody_venue import VENUES, Moods, MoodyVenue, served
from venue import prices

LISTED = NOW - 3500

ONLY_NEWEST = Moods(cap=720, heeds_start=False, heeds_end=False)
REFUSING = Moods(cap=1000, window=1000, kept=2000, refuses=True)


def downloaded(monkeypatch, tmp_path, moods, silent=frozenset(), listed=LISTED):
    """The venue and the report, all that the venue has of the time being stored."""
    venue = MoodyVenue(NOW * MINUTE_NS + 20 * 10**9, moods)
    venue.first_minute, venue.silent = listed, set(silent)
    monkeypatch.setattr("mlx_muzero.venues.clock.SystemClock.wall_ns", lambda _: venue.now_ns())
    with served(venue) as settings:
        (report,) = reports(run(settings, tmp_path / "m.duckdb", first=LISTED - 500))
    return venue, report


def check(tmp_path, report, minutes):
    wanted = [bar for minute in minutes for bar in (minute, *prices("BTCUSDT", minute))]
    found = [value for bar in stored(tmp_path / "m.duckdb") for value in bar]
    assert found == pytest.approx(wanted)
    assert report.inserted == len(minutes)


@pytest.mark.parametrize("moods", cases(3, VENUES.values()), ids=VENUES)
@pytest.mark.parametrize("hole", [range(0), range(NOW - 2600, NOW - 1400)], ids=["whole", "hole"])
def test_every_bar_that_is_over_is_stored_once_with_its_values(monkeypatch, tmp_path, moods, hole):
    silent = {*hole, NOW - 3000, NOW - 700, NOW - 699}
    venue, report = downloaded(monkeypatch, tmp_path, moods, silent)
    check(tmp_path, report, [m for m in range(LISTED, NOW) if m not in silent])
    assert len(venue.asked) < 100


def test_bars_that_a_venue_keeps_no_more_are_told_as_missing(monkeypatch, tmp_path):
    """Kraken gives its newest 720, whatever it is asked for."""
    venue, report = downloaded(monkeypatch, tmp_path, ONLY_NEWEST, listed=None)
    check(tmp_path, report, range(NOW - 719, NOW))
    assert report.missing == NOW - 719 - (LISTED - 500)
    assert len(venue.asked) < 20


def test_a_time_that_a_venue_refuses_is_told_as_missing(monkeypatch, tmp_path):
    """Gate refuses what is longer ago than 10,000 bars."""
    venue, report = downloaded(monkeypatch, tmp_path, REFUSING, listed=None)
    check(tmp_path, report, range(NOW - 2000, NOW))
    assert "some times were refused, and count as missing" in report.notes[0]
    assert report.missing == NOW - 2000 - (LISTED - 500)
    assert len(venue.asked) < 100


@pytest.mark.slow
def test_a_pair_without_trades_of_late_is_not_given_up(monkeypatch, tmp_path):
    silent = set(range(NOW - 1900, NOW + 1))
    venue, report = downloaded(monkeypatch, tmp_path, Moods(cap=300, window=300), silent)
    check(tmp_path, report, range(LISTED, NOW - 1900))
    assert len(venue.asked) < 100
    venue.silent, venue.now_ns = set(), lambda: (NOW + 10) * MINUTE_NS + 20 * 10**9
    with served(venue) as settings:
        (report,) = reports(run(settings, tmp_path / "m.duckdb", first=LISTED - 500))
    assert report.inserted == 1910
    assert [bar[0] for bar in stored(tmp_path / "m.duckdb")] == list(range(LISTED, NOW + 10))
