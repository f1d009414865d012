"""What a download does to the store: by the importers' rules, once, and on after any end."""

import json
import os
import resource
import signal
import subprocess
import sys
import time

import pytest
from aiohttp import web

from downloads import BTC, FIRST, NOW, reports, run, stored
from mlx_muzero.download import bars
from mlx_muzero.download.job import Wish, download
from mlx_muzero.errors import DataError, FeedError, StorageError
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.venues.ccxt_source import CcxtSource
from moody_venue import Moods, MoodyVenue, served
from releases import OLDEST, unpack
from venue import prices

SECOND_NS = 10**9


@pytest.fixture
def venue():
    return MoodyVenue(NOW * MINUTE_NS + 20 * SECOND_NS, Moods())


@pytest.fixture
def db(tmp_path):
    return tmp_path / "market.duckdb"


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(bars, "CHUNK_BARS", 300)


def test_twice_changes_nothing_and_asks_for_nothing_again(venue, db):
    venue.silent = {FIRST + 100, FIRST + 101}
    with served(venue) as settings:
        (first,) = reports(run(settings, db, end=NOW - 100))
        before = stored(db)
        asked = len(venue.asked)
        (second,) = reports(run(settings, db, end=NOW - 100))
    assert (first.inserted, first.missing) == (NOW - 100 - FIRST - 2, 2)
    assert first.gaps == (((FIRST + 100) * MINUTE_NS, (FIRST + 102) * MINUTE_NS),)
    assert (second.inserted, second.duplicates, second.first_ns) == (0, 0, None)
    assert len(venue.asked) == asked
    assert stored(db) == before


def test_a_hole_is_asked_for_twice_and_then_never_again(venue, db):
    hole = range(FIRST + 100, FIRST + 110)
    venue.silent = set(hole)
    with served(venue) as settings:
        run(settings, db)
        covering = [start for _, start, count, _ in venue.asked if start in range(*hole[:2])]
        assert not covering
        again = [start for _, start, _, _ in venue.asked if start == hole[0] - 1]
        assert len(again) == 1
        venue.asked.clear()
        venue.silent = set()
        venue.clock.start_ns += 5 * MINUTE_NS
        (report,) = reports(run(settings, db))
    assert report.inserted == 5
    assert all(start is None or start > hole[-1] for _, start, _, _ in venue.asked)


def test_bars_that_come_when_a_hole_is_asked_for_again_are_stored(venue, db):
    late = set(range(FIRST + 100, FIRST + 110))
    venue.silent = set(late)
    venue.edit = lambda rows: (len(venue.asked) == 3 and venue.silent.clear()) or rows
    with served(venue) as settings:
        (report,) = reports(run(settings, db))
    assert report.missing == 0
    assert len(stored(db)) == NOW - FIRST


def test_several_pairs_come_side_by_side(venue, db):
    with served(venue) as settings:
        found = reports(run(settings, db, names=("BTCUSDT", "ETH/USDT")))
    assert [report.inserted for report in found] == [NOW - FIRST] * 2
    assert len(stored(db, "ETHUSDT")) == NOW - FIRST


@pytest.mark.slow
def test_all_pairs_keep_the_venues_rate_limit(venue, db):
    venue.moods = Moods(cap=300)
    with served(venue) as settings:
        began = time.monotonic()
        found = reports(run(settings | {"rateLimit": 100}, db, names=("BTCUSDT", "ETH/USDT")))
    assert time.monotonic() - began > 0.1 * 0.7 * len(venue.asked)
    assert len(venue.asked) == sum(report.requests for report in found)


def test_what_the_store_has_otherwise_stays_and_is_counted(venue, db):
    with served(venue) as settings:
        run(settings, db)
        changed = set(range(NOW - 3, NOW))
        venue.market = lambda pair, m: (
            (*prices(pair, m)[:4], 99.0) if m in changed else prices(pair, m)
        )
        venue.clock.start_ns += 50 * MINUTE_NS
        (report,) = reports(run(settings, db))
    assert (report.inserted, report.conflicts) == (50, 3)
    assert "kept stored bars that now differ at the venue" in report.notes[0]
    assert 99.0 not in stored(db)[-60:]


@pytest.mark.slow
def test_another_market_is_refused_and_nothing_lost_unless_it_is_to_replace(venue, db):
    with served(venue) as settings:
        run(settings, db, end=NOW - 500)
        before = stored(db)
        venue.market = lambda pair, minute: tuple(p + 1 for p in prices(pair, minute))
        with BarStore(db) as store, store.transaction():
            store.origins.forget_asked("BTCUSDT", None, None)
        (failure,) = run(settings, db)
        assert isinstance(failure.error, DataError)
        assert "already stored differ" in str(failure.error)
        assert "--replace" in str(failure.error)
        assert stored(db) == before
        (report,) = reports(run(settings, db, replace=True))
    assert report.replaced == NOW - 500 - FIRST
    assert report.inserted == 500
    with BarStore(db, read_only=True) as store:
        (record,) = store.imports()
    assert any(text.startswith("--replace") for text in record.accepted)


def test_prices_that_do_not_continue_are_refused_unless_accepted(venue, db):
    with served(venue) as settings:
        run(settings, db, end=NOW - 500)
        venue.market = lambda pair, m: (
            tuple(3 * p for p in prices(pair, m)) if m >= NOW - 500 else prices(pair, m)
        )
        (failure,) = run(settings, db)
        assert "do not continue from the stored ones" in str(failure.error)
        assert len(stored(db)) == NOW - 500 - FIRST
        (report,) = reports(run(settings, db, accept_jump=True))
    assert report.inserted == 500


def test_bars_that_cannot_be_are_left_out_and_told(venue, db):
    def spoil(rows):
        return [[row[0], "nonsense", *row[2:]] if row[0] == BAD * 60_000 else row for row in rows]

    BAD = FIRST + 50
    venue.edit = spoil
    with served(venue) as settings:
        (report,) = reports(run(settings, db))
    assert report.rejected == {"a price is not a finite number": 1}
    assert "1 bars left out: a price is not a finite number" in report.notes
    assert len(stored(db)) == NOW - FIRST - 1


def test_an_outage_is_waited_out_and_a_venue_is_obeyed(venue, db):
    venue.failures.extend([(503, {})] * 3)
    told = []
    with served(venue) as settings:
        found = run(settings, db, say=told.append)
    assert reports(found)[0].inserted == NOW - FIRST
    assert any("HTTP 503" in text for text in told)


def test_bars_that_are_no_minutes_of_the_past_are_told(venue, db):
    venue.edit = lambda rows: [[row[0] + 30_000, *row[1:]] for row in rows]
    with served(venue) as settings:
        (failure,) = run(settings, db)
    assert "none opens on a whole minute of the past" in str(failure.error)


def test_a_clock_that_does_not_answer_is_done_without(venue, db):
    async def out_of_order(request):
        return web.Response(status=502)

    venue.time = out_of_order
    with served(venue) as settings:
        (report,) = reports(run(settings, db))
    # What opens last may not be over.
    assert report.inserted == NOW - FIRST


def test_an_error_that_the_venue_repeats_ends_it_with_its_words(venue, db):
    def refuse(rows):
        return {"code": -9999, "msg": "candles of old are for members only"}

    with served(venue) as settings:
        venue.edit = lambda rows: rows if len(venue.asked) < 2 else refuse(rows)
        (failure,) = run(settings, db)
    assert "candles of old are for members only" in str(failure.error)


def test_a_venue_that_asks_for_time_is_given_it(venue, db):
    venue.failures.extend([(429, {"Retry-After": "2"})])
    with served(venue) as settings:
        (report,) = reports(run(settings, db))
    assert report.inserted == NOW - FIRST
    assert report.seconds > 0


@pytest.mark.slow
def test_a_venue_that_goes_down_half_way_loses_nothing(venue, db, small_chunks):
    venue.moods = Moods(cap=200)
    with served(venue) as settings:
        venue.edit = lambda rows: (
            (len(venue.asked) > 6 and venue.failures.extend([(0, {})] * 999)) or rows
        )
        (failure,) = run(settings, db)
        assert isinstance(failure.error, FeedError)
        assert "the same command continues from there" in str(failure.error)
        held = len(stored(db))
        assert 0 < held < NOW - FIRST
        venue.failures.clear()
        venue.edit = lambda rows: rows
        (report,) = reports(run(settings, db))
    assert report.inserted == NOW - FIRST - held
    assert len(stored(db)) == NOW - FIRST


def test_a_full_disk_ends_it_with_what_came_before(venue, db, small_chunks, monkeypatch):
    chunks = []

    def full(self, page, asked, take=bars.Intake.take):
        if chunks:
            raise StorageError("the disk is full")
        chunks.append(len(page))
        take(self, page, asked)

    with served(venue) as settings:
        venue.moods = Moods(cap=200)
        monkeypatch.setattr(bars.Intake, "take", full)
        with pytest.raises(StorageError, match="disk is full"):
            run(settings, db)
        monkeypatch.undo()
        assert len(stored(db)) == chunks[0]
        run(settings, db)
    assert len(stored(db)) == NOW - FIRST


@pytest.mark.slow
def test_an_interrupt_while_a_chunk_is_written_keeps_it_and_what_came_after(
    venue, db, small_chunks, monkeypatch
):
    """As Ctrl-C does, which cancels everything that waits."""
    take, begun = bars.Intake.take, []

    def slowly(self, page, asked):
        if not begun:
            begun.append(os.kill(os.getpid(), signal.SIGINT))
            time.sleep(0.3)
        take(self, page, asked)

    venue.moods = Moods(cap=200)
    with served(venue) as settings:
        monkeypatch.setattr(bars.Intake, "take", slowly)
        with pytest.raises(KeyboardInterrupt):
            run(settings, db)
        held = len(stored(db))
        assert 300 <= held < NOW - FIRST
        run(settings, db)
    assert [bar[0] for bar in stored(db)] == list(range(FIRST, NOW))


KILLED = """
import json, os, sys
from downloads import FIRST, IMPATIENT, run
from mlx_muzero.download import bars
from mlx_muzero.download.job import Wish, download
from mlx_muzero.market.store.bar_store import BarStore

settings, db, left = json.loads(sys.argv[1]), sys.argv[2], int(sys.argv[3])
bars.CHUNK_BARS = 300

class Dying:
    def __init__(self, db):
        self._db = db
    def execute(self, *arguments):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), 9)
        return self._db.execute(*arguments)
    def __getattr__(self, name):
        return getattr(self._db, name)

made = BarStore.__init__
def dying(self, *arguments, **options):
    made(self, *arguments, **options)
    self._db = Dying(self._db)
BarStore.__init__ = dying
run(settings, db)
"""


@pytest.mark.slow
@pytest.mark.parametrize("steps", [12, 25, 40, 55, 63, 71])
def test_killed_between_two_steps_the_same_command_ends_in_the_same_store(
    venue, db, tmp_path, steps
):
    venue.moods = Moods(cap=200)
    venue.silent = {FIRST + 5, FIRST + 450}
    with served(venue) as settings:
        command = [sys.executable, "-c", KILLED, json.dumps(settings), str(db), str(steps)]
        path = {"PYTHONPATH": ":".join(filter(None, sys.path))}
        done = subprocess.run(command, env=os.environ | path, check=False)
        assert done.returncode == -signal.SIGKILL
        run(settings, db)
        run(settings, other := tmp_path / "whole.duckdb")
    assert stored(db) == stored(other)
    with BarStore(db, read_only=True) as one, BarStore(other, read_only=True) as two:
        assert one.origins.asked(BTC, "bars") == two.origins.asked(BTC, "bars")
        assert one.imports() == two.imports()


@pytest.mark.slow
def test_a_store_of_the_first_release_takes_downloads_beside_what_it_holds(venue, tmp_path):
    db = unpack(OLDEST, tmp_path) / "data" / "market.duckdb"
    with BarStore(db, read_only=True) as store:
        assert store.origins.all() == []
        held = {summary.symbol: summary.bars for summary in store.symbols()}
    with served(venue) as settings:
        (report,) = reports(run(settings, db, names=("ETH/USDT",)))
    with BarStore(db, read_only=True) as store:
        assert [origin.symbol for origin in store.origins.all()] == ["ETHUSDT"]
        held["ETHUSDT"] += report.inserted
        assert {summary.symbol: summary.bars for summary in store.symbols()} == held


def test_a_symbol_has_one_source_and_takes_it_along(venue, db):
    with served(venue) as settings:
        run(settings, db)
        with BarStore(db) as store:
            source = CcxtSource("binance", settings)
            (failure,) = download(store, "kraken", source, [Wish("BTC/USDT", FIRST * MINUTE_NS)])
        assert "BTCUSDT is downloaded from binance BTC/USDT" in str(failure.error)
        with BarStore(db) as store:
            store.remove(BTC, (FIRST + 100) * MINUTE_NS, (FIRST + 200) * MINUTE_NS)
            spans = [(a // MINUTE_NS, b // MINUTE_NS) for a, b in store.origins.asked(BTC, "bars")]
            assert spans == [(FIRST, FIRST + 100), (FIRST + 200, NOW - 1)]
            store.rename(BTC, "BTCUSDT_OLD")
            assert [str(o) for o in store.origins.all()] == ["binance BTC/USDT"]
            assert len(store.origins.asked("BTCUSDT_OLD", "bars")) == 2
            store.remove("BTCUSDT_OLD")
            assert store.origins.all() == store.origins.asked("BTCUSDT_OLD", "bars") == []


@pytest.mark.slow
def test_memory_does_not_grow_with_the_bars(venue, db, small_chunks):
    with served(venue) as settings:
        run(settings, db, end=FIRST + 1000)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        run(settings, db)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown * 1024 < 64 * 2**20
