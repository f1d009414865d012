"""Downloads from a notebook, whose cells run in an event loop."""

import asyncio

import pytest

import mlx_muzero as mm
from downloads import FIRST, NOW
from mlx_muzero.errors import FeedError
from mlx_muzero.market.bars import utc_text
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.venues.ccxt_source import CcxtSource
from moody_venue import MoodyVenue, served


@pytest.fixture
def venue(monkeypatch):
    venue = MoodyVenue(NOW * MINUTE_NS + 20 * 10**9)
    with served(venue) as settings:
        made = CcxtSource.__init__
        monkeypatch.setattr(CcxtSource, "__init__", lambda s, name: made(s, name, settings))
        yield venue


@pytest.mark.slow
def test_a_store_is_filled_and_brought_up_to_date(venue, tmp_path):
    store = mm.open_store(tmp_path / "market.duckdb")
    first = utc_text(FIRST * MINUTE_NS)

    async def cell():
        return store.download("binance", "BTC/USDT", first_utc=first)

    (report,) = asyncio.run(cell())
    assert report.inserted == NOW - FIRST
    venue.clock.start_ns += 5 * MINUTE_NS
    assert [report.inserted for report in store.update()] == [5]
    with pytest.raises(FeedError, match="lists no pair XYZUSDT"):
        store.download("binance", "XYZUSDT", first_utc=first)
