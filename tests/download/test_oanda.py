"""Downloads from OANDA: bid and ask, weekends that are no holes, and tokens that are refused."""

import pytest

from downloads import IMPATIENT, stored
from mlx_muzero.download.job import Wish, download
from mlx_muzero.errors import FeedError
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.venues.oanda import TOKEN_VARIABLE, OandaSource
from moody_venue import StoppedClock, served
from oanda_venue import TOKEN, OandaVenue
from virtual_time import MONDAY_NS

FRIDAY = MONDAY_NS // MINUTE_NS - 3 * 1440
NOW = MONDAY_NS // MINUTE_NS + 600


@pytest.fixture
def venue(monkeypatch):
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)
    monkeypatch.setattr("ssl.SSLContext.load_verify_locations", lambda *_, **__: None)
    venue = OandaVenue(StoppedClock(NOW * MINUTE_NS + 20 * 10**9))
    with served(venue) as address:
        yield venue, address


def run(address, db, first=FRIDAY):
    with BarStore(db) as store:
        wishes = [Wish("EURUSD", first * MINUTE_NS)]
        return download(store, "oanda", OandaSource(address), wishes, patience=IMPATIENT)[0]


@pytest.mark.slow
def test_bid_and_ask_come_and_a_weekend_is_no_hole(venue, tmp_path):
    server, address = venue
    server.silent = {FRIDAY + 600}
    report = run(address, tmp_path / "m.duckdb")
    assert report.missing == 1
    minutes = [bar[0] for bar in stored(tmp_path / "m.duckdb", "EURUSD")]
    assert minutes == [m for m in server.minutes("EUR_USD", FRIDAY * MINUTE_NS, 10**6) if m < NOW]
    with BarStore(tmp_path / "m.duckdb", read_only=True) as store:
        bars = store.load("EURUSD", extras=("close_ask",))
        (origin,) = store.origins.all()
    assert bars.extras["close_ask"] - bars.close == pytest.approx(0.002)
    assert str(origin) == "oanda EUR_USD"
    asked = len(server.requests)
    again = run(address, tmp_path / "m.duckdb")
    assert again.inserted == 0
    assert len(server.requests) - asked < 8


def test_a_token_that_is_refused_is_told(venue, tmp_path, monkeypatch):
    monkeypatch.setenv(TOKEN_VARIABLE, "another")
    failure = run(venue[1], tmp_path / "m.duckdb")
    assert isinstance(failure.error, FeedError)
    assert TOKEN_VARIABLE in str(failure.error)
