"""Funding and open interest through ccxt against a server of Binance's futures protocol."""

import pytest
from aiohttp import web

import feed_sessions
from feed_sessions import START_NS, of
from mlx_muzero.paper.feeds.events import (
    BarClosed,
    Disconnected,
    Reconnected,
    SeriesBack,
    SeriesPoints,
    SeriesStale,
)
from mlx_muzero.paper.feeds.live import LiveFeed
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.venues.ccxt_series import market_of_name
from mlx_muzero.venues.ccxt_source import CcxtSource
from moody_venue import MoodyVenue
from virtual_time import SECOND_NS

PAIR = "BTC/USDT:USDT"
SERIES = ("funding_rate", "open_interest")


def venue(clock):
    made = MoodyVenue(0)
    made.clock = clock
    return made


def play(bars, monkeypatch, prepare=None):
    def with_series(source, push=None, **options):
        return LiveFeed(source, push, series=source, wanted={PAIR: SERIES}, **options)

    monkeypatch.setattr(feed_sessions, "LiveFeed", with_series)

    def source(settings):
        return CcxtSource("binance", settings)

    return feed_sessions.play(venue, source, (PAIR,), bars, prepare, first=START_NS)


def points(events, name):
    came = [event.points for event in of(events, SeriesPoints) if event.points.name == name]
    return [
        (int(e), int(k), float(v))
        for series in came
        for e, k, v in zip(series.event_ns, series.known_ns, series.value, strict=True)
    ]


def test_the_past_comes_before_the_first_bar_and_each_point_once(monkeypatch):
    events, _ = play(8, monkeypatch)
    first_bar = next(i for i, event in enumerate(events) if isinstance(event, BarClosed))
    assert {e.points.name for e in of(events[:first_bar], SeriesPoints)} == set(SERIES)
    funding = points(events, "funding_rate")
    assert [(e % MINUTE_NS, k - e) for e, k, _ in funding] == [(3_000_000, 0)]
    minute = funding[0][0] // MINUTE_NS
    assert minute % 480 == 0
    assert funding[0][2] == pytest.approx(minute % 100 / 1e6)
    interest = points(events, "open_interest")
    minutes = [e // MINUTE_NS for e, _, _ in interest]
    assert minutes == list(range(minutes[0], minutes[-1] + 1, 5))
    # A value is fetched before the close at which it may be read, but not sooner.
    assert minutes[-1] == (START_NS // MINUTE_NS + 8 - 4) // 5 * 5
    assert {k - e for e, k, _ in interest} == {5 * MINUTE_NS}
    assert all(value == 1000 + m % 77 for m, (_, _, value) in zip(minutes, interest, strict=True))


def test_bars_carry_what_takers_bought_and_the_trades(monkeypatch):
    events, _ = play(3, monkeypatch)
    for event in of(events, BarClosed):
        assert event.bar.taker_buy_share == 0.5 / event.bar.volume
        assert event.bar.trade_count == 7.0


def test_one_request_a_minute_for_each_series(monkeypatch):
    _, held = play(10, monkeypatch)
    for path in ("/fapi/v1/fundingRate", "/futures/data/openInterestHist"):
        asked = [at for at, asked, _ in held.venue.requests if asked == path]
        # The history takes a second request where it is more than a page.
        assert 9 <= len(asked) <= 12
        assert all((30 + at) % 60 == pytest.approx(20, abs=1) for at in asked[2:])


@pytest.mark.slow
def test_an_outage_of_a_series_is_its_own(monkeypatch):
    def prepare(held):
        answer = held.venue.open_interest

        async def down(request):
            if 60 < held.clock.monotonic_ns() / SECOND_NS < 30 * 60:
                return web.json_response({}, status=503)
            return await answer(request)

        held.venue.open_interest = down

    # Routes are made before `prepare`: they look the handler up when asked.
    real = MoodyVenue.more_routes

    def routes(self):

        async def interest(request):
            return await self.open_interest(request)

        return (*real(self)[:-1], web.get("/futures/data/openInterestHist", interest))

    monkeypatch.setattr(MoodyVenue, "more_routes", routes)
    events, _ = play(40, monkeypatch, prepare)
    assert {e.channel for e in of(events, Disconnected)} == {"context"}
    assert [e.series for e in of(events, SeriesStale)] == ["open_interest"]
    assert [e.series for e in of(events, SeriesBack)] == ["open_interest"]
    assert len(of(events, Reconnected)) == 1
    assert feed_sessions.minutes(events, PAIR) == list(range(1, 41))


def test_what_a_pair_has_is_read_off_its_name():
    book = ("book_imbalance",)
    told = ("taker_buy_share", "trade_count", *book)
    swap = (*SERIES, "funding_announced")
    assert CcxtSource("binanceusdm").series_of(PAIR) == (*swap, *told)
    assert CcxtSource("binance").series_of("BTC/USDT") == told
    assert CcxtSource("binance").series_of("BTC/USD:BTC") == (*swap, *book)
    assert CcxtSource("kraken").series_of("BTC/USD") == ("trade_count", *book)
    assert CcxtSource("okx").series_of("BTC/USDT") == book
    gate = CcxtSource("gate").series_of("BTC/USD:BTC")
    assert gate == ("funding_rate", "funding_announced", *book)
    expires = market_of_name("BTC/USD:BTC-260327")
    assert expires == {"contract": True, "swap": False, "inverse": True}
