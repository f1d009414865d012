"""Macro figures of a live session come from a store, which may change, be busy or be gone."""

import os
from dataclasses import replace

import numpy as np
import pytest

from mlx_muzero.config.presets import CRYPTO
from mlx_muzero.config.schema import Config
from mlx_muzero.errors import DataError
from mlx_muzero.market.series import MACRO, Series
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.paper.feeds.live import LiveFeed
from mlx_muzero.paper.session_setup import macro_reader, make_feed, wanted_series
from mlx_muzero.paper.settings import PaperSettings, SessionSettings
from mlx_muzero.timeunits import DAY_NS


def write(path, first, last):
    known = np.arange(first, last) * DAY_NS
    with BarStore(path) as store:
        store.write_series(Series(MACRO, "cpi", known, known, known / DAY_NS))
    os.utime(path, ns=(last, last))  # two writes may fall into one tick of the file's clock


def test_figures_are_those_of_the_store_whenever_it_changes(tmp_path):
    path = tmp_path / "market.duckdb"
    write(path, 1, 5)
    read = macro_reader(str(path), ("cpi", "gdp"))
    first = read()
    assert first["cpi"].value.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert len(first["gdp"]) == 0
    assert read() is first
    write(path, 5, 7)
    assert read()["cpi"].value.tolist() == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    path.unlink()
    with pytest.raises(DataError, match="cannot be read"):
        read()


def feed_of(path, macro, pairs):
    settings = PaperSettings(
        pairs=pairs, session=SessionSettings(feed="ccxt:binance", database=str(path))
    )
    market = replace(CRYPTO.market, symbols=tuple(pairs))
    wanted = wanted_series(Config(market=market, trading=CRYPTO.trading), settings)
    feed = make_feed(settings, 10, wanted, macro)
    assert isinstance(feed, LiveFeed)
    return feed


@pytest.mark.parametrize(
    ("context", "pushed"),
    [
        ((), True),
        (("funding_rate",), True),
        (("trade_count",), False),
        (("book_imbalance",), False),
    ],
)
def test_bars_are_pushed_unless_something_would_be_missing_at_their_close(context, pushed):
    settings = PaperSettings(pairs={"BTCUSDT": "BTC/USDT:USDT"})
    settings = replace(settings, session=SessionSettings(feed="ccxt:binance"))
    feed = make_feed(settings, 10, context)
    assert (feed._push is not None) == pushed
    assert feed._books is feed._series is feed._source


def test_a_live_feed_knows_what_it_will_deliver(tmp_path):
    path = tmp_path / "market.duckdb"
    write(path, 1, 5)
    pairs = {"BTCUSDT": "BTC/USDT:USDT", "ETHUSDT": "ETH/USDT"}
    feed = feed_of(path, ("cpi", "gdp"), pairs)
    assert feed.released() == ("cpi",)
    assert set(feed.wanted["BTC/USDT:USDT"]) == {
        "funding_rate", "open_interest", "taker_buy_share", "book_imbalance"
    }  # fmt: skip
    assert set(feed.wanted["ETH/USDT"]) == {"taker_buy_share", "book_imbalance"}
    assert feed_of(tmp_path / "none.duckdb", ("cpi",), pairs).released() == ()
    assert feed_of("", ("cpi",), pairs).released() == ()
