"""What an answer may be: any status, any header, without end in size or time."""

import asyncio
import re
import time
from importlib import import_module
from types import SimpleNamespace

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

import feed_sessions
from binance_venue import BinanceVenue
from examples import cases
from feed_sessions import START_NS, of
from market_source import MarketSource
from mlx_muzero.paper.feeds.events import ClockOffset, Disconnected, Reconnected
from mlx_muzero.paper.feeds.live import LiveFeed
from mlx_muzero.paper.feeds.settings import FeedSettings
from mlx_muzero.timeunits import HOUR_NS
from mlx_muzero.venues import bounded_http, ccxt_public, oanda
from mlx_muzero.venues.candle import known_time_ns, number
from mlx_muzero.venues.ccxt_public import public_exchange
from mlx_muzero.venues.ccxt_source import CcxtSource
from mlx_muzero.venues.http import date_ns, is_outage, retry_after_ns
from mlx_muzero.venues.oanda import TOKEN_VARIABLE, OandaSource
from oanda_venue import TOKEN, OandaVenue
from virtual_time import SECOND_NS, VirtualClock, collect, run

VENUES = {
    "oanda": (OandaVenue, OandaSource, "USD_JPY"),
    "binance": (BinanceVenue, lambda settings: CcxtSource("binance", settings), "BTC/USDT"),
}


@pytest.fixture(autouse=True)
def token(monkeypatch):
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)
    # Certificates take long to load, and nobody here has one.
    monkeypatch.setattr("ssl.SSLContext.load_verify_locations", lambda *_, **__: None)


def play(name, bars, prepare):
    make_venue, make_source, pair = VENUES[name]
    events, held = feed_sessions.play(make_venue, make_source, (pair,), bars, prepare)
    return events, held, feed_sessions.minutes(events, pair)


def test_which_statuses_are_outages():
    outages = [status for status in range(100, 600) if is_outage(status)]
    assert set(outages) == {*range(300, 400), 408, 418, 425, 429, *range(500, 600)}


@pytest.mark.parametrize("name", VENUES)
@pytest.mark.parametrize("status", [302, 408, 503])
def test_an_outage_is_waited_out_and_the_hole_filled(name, status):
    def prepare(held):
        held.at(1, lambda: held.venue.failures.extend([(status, {})] * 9))

    events, _, minutes = play(name, 9, prepare)
    assert {down.reason for down in of(events, Disconnected)} == {f"HTTP {status}"}
    assert [down.failures for down in of(events, Disconnected)] == list(range(1, 10))
    assert minutes == list(range(9))


@pytest.mark.parametrize("name", VENUES)
@pytest.mark.parametrize(
    "text", cases(1, ["9" * 5000, "99999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
)
def test_a_venue_may_not_ask_to_be_left_alone_for_ever(name, text):
    headers = {"Retry-After": text, "Date": "Mon, 03 Mar 2025 10:00:00 GMT"}

    def prepare(held):
        held.at(1, lambda: held.venue.failures.append((429, headers)))

    events, _, minutes = play(name, 20, prepare)
    assert of(events, Disconnected)[0].retry_ns == FeedSettings().max_retry_after_ns
    assert minutes == list(range(20))


@given(text=st.text(max_size=40) | st.from_regex(r"\A[A-Z][a-z]{2}, \d+ Jan \d+ \d\d:.*\Z"))
def test_no_header_is_an_exception(text):
    headers = {"Date": text, "Retry-After": text}
    assert date_ns(headers) is None or isinstance(date_ns(headers), int)
    wait_ns = retry_after_ns(headers)
    assert wait_ns is None or wait_ns >= 0


def test_a_date_nobody_vouches_for_the_zone_of_is_utc():
    zoned = date_ns({"Date": "Mon, 03 Mar 2025 10:00:00 GMT"})
    assert date_ns({"Date": "Mon, 03 Mar 2025 10:00:00 -0000"}) == zoned


@given(
    value=st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
    | st.just(10**400) | st.lists(st.none(), max_size=2)
)  # fmt: skip
def test_no_value_is_an_exception(value):
    assert isinstance(number(value), float)
    time_ns = known_time_ns(value, SECOND_NS)
    assert time_ns is None or 0 <= time_ns < 2**63


async def drips(request):
    """A byte every four seconds, for ever."""
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(4)


async def floods(request):
    """Spaces, for ever."""
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b" " * 65_536)


async def nests(request):
    return web.Response(text="[" * 200_000, content_type="application/json")


@pytest.mark.parametrize("name", VENUES)
@pytest.mark.parametrize(
    ("how", "reason"),
    [
        (drips, r"no complete answer|Timeout"),
        (floods, "too long|ExchangeError"),
        (nests, "not a list|cannot be read|BadResponse"),
    ],
)
def test_an_answer_without_end_is_an_outage(name, how, reason, monkeypatch):
    monkeypatch.setattr(bounded_http, "MAX_ANSWER_BYTES", 2_000_000)
    monkeypatch.setattr(oanda, "MAX_ANSWER_BYTES", 2_000_000)
    make_venue, _, _ = VENUES[name]
    method = "candles" if name == "oanda" else "klines"
    well = getattr(make_venue, method)
    left = iter([True, True])

    async def answer(self, request):
        after_a_bar = self.clock.monotonic_ns() > 100 * SECOND_NS
        if after_a_bar and next(left, False):
            return await how(request)
        return await well(self, request)

    monkeypatch.setattr(make_venue, method, answer)
    events, _, minutes = play(name, 5, lambda held: None)
    downs = of(events, Disconnected)
    assert len(downs) == 2
    assert re.search(reason, downs[0].reason)
    assert of(events, Reconnected)[0].attempts == 2
    assert minutes == list(range(5))


def test_an_answer_that_never_comes_is_given_up():
    """Whatever library a source uses: the feed itself waits no longer than a minute."""

    async def main():
        clock = VirtualClock(START_NS)
        source = MarketSource(clock)
        fetch, left = source.fetch, iter([True])

        async def hang(pair, start_ns, *asked):
            if clock.monotonic_ns() > 100 * SECOND_NS and next(left, False):
                await asyncio.sleep(10**6)
            return await fetch(pair, start_ns, *asked)

        source.fetch = hang
        feed = LiveFeed(source, clock=clock, uniform=lambda: 0.5)
        async with feed.subscribe({"BTC/USDT": None}) as events:
            return await collect(events, lambda event: isinstance(event, Reconnected))

    events = run(main(), grace_s=0)
    (down,) = of(events, Disconnected)
    assert down.reason == "no complete answer within 60 s"


def test_a_page_is_what_the_exchange_gives_at_most():
    assert CcxtSource("okx").page_bars == 300
    assert CcxtSource("coinbase").page_bars == 300
    assert CcxtSource("binance").page_bars == 500
    assert CcxtSource("upbit").page_bars == 200


def test_an_exchange_without_a_clock_has_its_answers_date():
    """And one whose answers have none either tells no time."""

    async def main(dated):
        venue = BinanceVenue(VirtualClock(START_NS))
        async with venue.listen() as settings:
            source = CcxtSource("binance", settings)
            source._has_clock = False
            if not dated:
                source._exchange.enableLastResponseHeaders = False
            try:
                return await source.time("BTC/USDT"), venue.now_ns()
            finally:
                await source.close()

    time, now_ns = run(main(dated=True))
    assert abs(time.time_ns - now_ns) <= time.resolution_ns == SECOND_NS
    assert run(main(dated=False))[0] is None


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 400, "data": {"code": -1100, "msg": "Illegal characters found."}},
        {"data": {"serverTime": None}},
        {"data": {"serverTime": 10**30}},
        {"data": {"serverTime": START_NS // SECOND_NS}},
        {"data": {"serverTime": (START_NS - HOUR_NS) // 1_000_000}},
    ],
)
def test_an_exchange_whose_clock_does_not_answer_has_its_answers_date_too(answer, monkeypatch):
    async def no_time(self, request):
        return web.json_response(**answer)

    monkeypatch.setattr(BinanceVenue, "time", no_time)
    events, _, minutes = play("binance", 3, lambda held: None)
    assert minutes == [0, 1, 2]
    (offset,) = of(events, ClockOffset)
    assert abs(offset.offset_ns) <= offset.uncertainty_ns <= SECOND_NS


def test_a_clock_that_is_set_back_does_not_stop_requests(monkeypatch):
    """ccxt's rate limit is counted by the wall clock; a request that waits for it is given up."""
    back_s = 0.0

    def wall():
        return time.time() - back_s

    clocks = SimpleNamespace(time=wall, monotonic=time.monotonic)
    monkeypatch.setattr(import_module("ccxt.async_support.base.throttler"), "time", wall)
    monkeypatch.setattr(ccxt_public, "time", clocks)

    async def main():
        nonlocal back_s
        exchange = public_exchange("okx", {"rateLimit": 20})
        await exchange.throttle(1)
        waits = asyncio.create_task(exchange.throttle(1))
        await asyncio.sleep(0.005)
        back_s = 3600.0
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(waits, 0.1)
        for _ in range(3):
            await asyncio.wait_for(exchange.throttle(1), 0.5)

    asyncio.run(main())
