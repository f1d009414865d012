"""Downloads from loopback venues, each with a way of answering that some real venue has."""

import pytest

from mlx_muzero.download.asking import DownloadPatience
from mlx_muzero.download.job import Wish, download
from mlx_muzero.download.report import DownloadFailure
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.venues.ccxt_source import CcxtSource
from moody_venue import Moods, MoodyVenue, served
from venue import prices
from virtual_time import MONDAY_NS

NOW = MONDAY_NS // MINUTE_NS + 4000  # the open minute
LISTED = NOW - 3500

IMPATIENT = DownloadPatience(min_backoff_ns=10**7, max_backoff_ns=5 * 10**7, outage_ns=10**9)

# Real venues that answer so, by what ccxt sends them, their documentation or threads about them.
VENUES = {
    "forward from the start (binance spot)": Moods(),
    "fewer rows than asked for (binance of old)": Moods(cap=500),
    "windows of 300 (coinbase)": Moods(cap=300, window=300),
    "windows of 499 (gate, both ends count)": Moods(cap=499, window=499),
    "windows of 500 (kucoin, upbit)": Moods(cap=500, window=500),
    "windows of 1000 (bitget)": Moods(cap=1000, window=1000),
    "windows of 1440 (bigger than asked for)": Moods(cap=1440, window=1440),
    "newest 300 of the window (okx)": Moods(cap=300, window=1000, newest=True),
    "newest of all since the start (blofin)": Moods(newest=True),
    "newest 200 of all since the start (bybit of old)": Moods(cap=200, newest=True),
    "the start is left out": Moods(inclusive=False),
    "no clock": Moods(clock=False),
    "no end": Moods(window=500, heeds_end=False),
}


def stored_minutes(db, symbol="BTCUSDT"):
    with BarStore(db, read_only=True) as store:
        return store.load(symbol).open_time_ns // MINUTE_NS


def run(settings, db, first=LISTED - 500, end=None, names=("BTC/USDT",), **options):
    wishes = [
        Wish(name, first * MINUTE_NS, None if end is None else end * MINUTE_NS) for name in names
    ]
    options.setdefault("patience", IMPATIENT)
    with BarStore(db) as store:
        return download(store, "binance", CcxtSource("binance", settings), wishes, **options)


def failed(results):
    return [result.error for result in results if isinstance(result, DownloadFailure)]


@pytest.mark.parametrize("moods", VENUES.values(), ids=VENUES)
@pytest.mark.parametrize("hole", [range(0), range(NOW - 2600, NOW - 1400), range(NOW - 1900, NOW)])
def test_every_bar_that_is_over_is_stored_once_with_its_values(tmp_path, moods, hole):
    venue = MoodyVenue(NOW * MINUTE_NS + 20 * 10**9, moods)
    venue.first_minute = LISTED
    venue.silent = {*hole, NOW - 3000, NOW - 700, NOW - 699} - {NOW - 100}
    with served(venue) as settings:
        results = run(settings, tmp_path / "m.duckdb")
    over = [m for m in range(LISTED, NOW) if m not in venue.silent]
    assert not failed(results)
    (report,) = results
    assert stored_minutes(tmp_path / "m.duckdb").tolist() == over
    assert report.inserted == len(over)
    with BarStore(tmp_path / "m.duckdb", read_only=True) as store:
        bars = store.load("BTCUSDT")
    for row in (0, len(over) // 2, -1):
        wanted = prices("BTCUSDT", over[row])
        got = [getattr(bars, name)[row] for name in ("open", "high", "low", "close", "volume")]
        assert got == pytest.approx(wanted)
    assert len(venue.asked) < 100
