"""The ccxt feed against a server of Binance's protocol: asked for, then pushed."""

import itertools
import math

import pytest
from aiohttp import web

import feed_sessions
from binance_venue import BinanceVenue
from feed_sessions import FIRST_MINUTE, START_NS, of
from mlx_muzero.errors import FeedError
from mlx_muzero.paper.feeds.events import (
    BarClosed,
    BarRejected,
    BarRevised,
    ClockJumped,
    ClockOffset,
    Disconnected,
    GapFilled,
    PairLost,
    Reconnected,
    Stale,
)
from mlx_muzero.timeunits import HOUR_NS, MINUTE_NS
from mlx_muzero.venues.ccxt_source import CcxtSource, _candles
from mlx_muzero.venues.source import Unavailable
from venue import prices
from virtual_time import SECOND_NS

PAIR = "BTC/USDT"
PAIRS = ("BTC/USDT", "ETH/USDT")


def source(settings):
    return CcxtSource("binance", settings)


def play(bars, prepare=None, pairs=(PAIR,), **options):
    return feed_sessions.play(BinanceVenue, source, pairs, bars, prepare, **options)


def push(*arguments, **options):
    return play(*arguments, push=True, **options)


def minutes(events, pair=PAIR):
    return feed_sessions.minutes(events, pair)


def delays_s(events):
    """From each bar's close to its arrival."""
    bars = [e.bar for e in of(events, BarClosed)]
    return [(bar.arrival_time_ns - bar.close_time_ns) / SECOND_NS for bar in bars]


def klines(held):
    return [(at, query) for at, path, query in held.venue.requests if path.endswith("klines")]


def rows_edited(minute, change):
    """An edit of answers: `change(row)` in place of the row of `minute`."""
    open_ms = (FIRST_MINUTE + minute) * 60_000
    return lambda rows: [change(row) if row[0] == open_ms else row for row in rows]


@pytest.mark.parametrize("how", [play, push])
def test_closed_bars_come_once_a_minute_with_their_final_values(how):
    events, _held = how(4, pairs=PAIRS)
    for pair, symbol in zip(PAIRS, ("BTCUSDT", "ETHUSDT"), strict=True):
        bars = [e.bar for e in of(events, BarClosed) if e.bar.pair == pair]
        assert minutes(events, pair)[:3] == [0, 1, 2]
        for bar in bars:
            assert bar.values == pytest.approx(prices(symbol, bar.open_time_ns // MINUTE_NS))
    assert {type(e) for e in events} == {ClockOffset, BarClosed}
    assert all(0 <= delay <= 4 for delay in delays_s(events))


def test_an_asked_bar_has_the_venues_time():
    events, _ = play(2)
    for event in of(events, BarClosed):
        # Up to a second is cut off the venue's time, and the answer's way comes on top.
        assert abs(event.bar.source_time_ns - event.bar.arrival_time_ns) < 2 * SECOND_NS


def test_a_start_in_the_past_is_a_backfill_in_pages(monkeypatch):
    monkeypatch.setattr(CcxtSource, "page_bars", 50)
    events, held = play(182, first=START_NS - 3 * HOUR_NS)
    assert minutes(events) == list(range(-179, 3))
    assert [(gap.filled, gap.missing) for gap in of(events, GapFilled)] == [(179, 0)]
    assert all(query["limit"] == "50" for _, query in klines(held))


def test_dropped_connections_are_tried_again():
    events, _ = play(4, lambda held: held.at(1, lambda: held.venue.failures.extend([(0, {})] * 6)))
    waits = [down.retry_ns / SECOND_NS for down in of(events, Disconnected)]
    # ccxt's HTTP client itself tries once more on a connection that was kept.
    assert waits[:3] == [0.75, 1.5, 3.0]
    assert [up.attempts for up in of(events, Reconnected)] == [len(waits)]
    assert minutes(events) == [0, 1, 2, 3]


def test_5xx_is_waited_out_and_the_hole_filled():
    events, _ = play(
        9, lambda held: held.at(1, lambda: held.venue.failures.extend([(503, {})] * 9))
    )
    assert {down.reason for down in of(events, Disconnected)} == {"HTTP 503"}
    assert minutes(events) == list(range(9))
    assert of(events, GapFilled)[0].missing == 0


@pytest.mark.parametrize("status", [418, 429])
def test_429_stops_all_requests_for_as_long_as_it_says(status):
    def prepare(held):
        held.at(1, lambda: held.venue.failures.append((status, {"Retry-After": "150"})))

    events, held = play(6, prepare, pairs=PAIRS)
    assert [d.retry_ns for d in of(events, Disconnected)] == [150 * SECOND_NS]
    times = [at for at, _ in klines(held)]
    assert sum(b - a > 149 for a, b in itertools.pairwise(times)) == 1
    assert minutes(events) == [0, 1, 2, 3, 4, 5]


def test_a_stall_while_connected_is_noticed_and_its_hole_filled():
    def stop(held):
        held.venue.stopped_ns = held.venue.now_ns()
        held.after(300, lambda: setattr(held.venue, "stopped_ns", None))

    events, _ = play(9, lambda held: held.at(2, lambda: stop(held)))
    (stale,) = of(events, Stale)
    assert 90 * SECOND_NS < stale.silent_ns <= 92 * SECOND_NS
    assert not of(events, Disconnected)
    assert minutes(events) == list(range(9))


def test_duplicates_are_dropped():
    events, held = play(4, lambda held: setattr(held.venue, "edit", lambda rows: rows * 2))
    assert minutes(events) == [0, 1, 2, 3]
    assert held.feed.counts()[PAIR].duplicates > 4


def test_out_of_order_bars_are_ordered():
    def prepare(held):
        held.venue.edit = lambda rows: rows[::-1]

    events, _ = play(12, prepare, first=START_NS - 10 * MINUTE_NS)
    assert minutes(events) == list(range(-9, 3))


def test_a_revised_bar_is_an_event_and_the_past_stays():
    def correct(held):
        held.venue.edit = rows_edited(1, lambda row: [*row[:2], "999.0", *row[3:]])

    events, _ = play(5, lambda held: held.at(2, lambda: correct(held)))
    (revised,) = of(events, BarRevised)
    assert revised.previous == of(events, BarClosed)[1].bar
    assert revised.bar.high == 999.0
    assert minutes(events) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda row: [row[0], "abc", *row[2:]], "a price is not a finite number"),
        (lambda row: row[:3], "a price is not a finite number"),
        (lambda row: [row[0], row[1], "1.0", *row[3:]], "open or close outside low to high"),
        (lambda row: [row[0] + 7, *row[1:]], "its time is not a whole minute"),
        (lambda row: [row[0] + 864_000_000, *row[1:]], "its minute has not started"),
    ],
)
def test_a_malformed_bar_is_rejected_with_a_reason_and_the_others_come(change, reason):
    events, held = play(
        3, lambda held: setattr(held.venue, "edit", rows_edited(1, change)), pairs=(PAIR,)
    )
    assert {e.reason for e in of(events, BarRejected)} == {reason}
    assert held.feed.counts()[PAIR].rejected == {reason: 1}
    assert minutes(events) == [0, 2, 3]


@pytest.mark.parametrize("rows", [None, "so sorry", {"rows": 1}, ["a", 7]])
def test_an_answer_that_is_no_list_of_bars_harms_nothing(rows):
    def prepare(held):
        held.at(1, lambda: setattr(held.venue, "edit", lambda _: rows))
        held.after(200, lambda: setattr(held.venue, "edit", list))

    events, _ = play(5, prepare)
    assert minutes(events) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("how", [play, push])
@pytest.mark.parametrize("ahead_s", [45.0, -45.0, 600.0, -3600.0])
def test_the_clocks_offset_is_shown_and_bars_close_by_the_venues_clock(how, ahead_s):
    ahead_ns = int(ahead_s * SECOND_NS)
    events, _ = how(3, lambda held: setattr(held.venue, "ahead_ns", ahead_ns))
    assert [e.offset_ns for e in of(events, ClockOffset)] == [pytest.approx(ahead_ns, abs=10**8)]
    assert all(0 <= delay <= 4 for delay in delays_s(events))


def test_a_venue_clock_that_jumps_is_noticed_at_the_next_measurement():
    def prepare(held):
        held.at(2, lambda: setattr(held.venue, "ahead_ns", 20 * SECOND_NS))

    events, _ = play(8, prepare, offset_interval_ns=5 * MINUTE_NS)
    (jump,) = of(events, ClockJumped)
    assert (jump.whose, jump.jump_ns) == ("venue", pytest.approx(20 * SECOND_NS, abs=10**8))
    assert minutes(events) == list(range(8))


def test_a_pair_the_exchange_does_not_have_ends_the_feed():
    with pytest.raises(FeedError, match="XYZ/USDT is not available"):
        play(1, pairs=("XYZ/USDT",))


@pytest.mark.parametrize("how", [play, push])
def test_a_pair_the_exchange_delists_stops_alone(how, monkeypatch):
    klines = BinanceVenue.klines
    gone = {"code": -1121, "msg": "Invalid symbol."}

    async def answer(self, request):
        late = self.clock.monotonic_ns() > 100 * SECOND_NS
        if late and request.query["symbol"] == "ETHUSDT":
            return web.json_response(gone, status=400)
        return await klines(self, request)

    def prepare(held):
        # What is not pushed is asked for.
        held.after(100, lambda: setattr(held.venue, "push", None))
        held.after(100, held.venue.drop_sockets)

    monkeypatch.setattr(BinanceVenue, "klines", answer)
    events, _ = how(6, prepare, pairs=PAIRS)
    assert minutes(events) == list(range(6))
    (lost,) = of(events, PairLost)
    assert lost.pair == "ETH/USDT"
    assert "Invalid symbol" in lost.reason


def test_a_pushed_bar_comes_sooner_than_it_would_be_asked_for():
    events, held = push(6)
    assert max(delays_s(events)) < 0.5
    assert len(klines(held)) == 1  # at the start


def test_a_dropped_stream_reconnects_and_loses_nothing():
    events, _held = push(6, lambda held: held.at(2, lambda: held.venue.drop_sockets()))
    assert [(e.channel, e.attempts) for e in of(events, Reconnected)] == [("stream", 1)]
    assert minutes(events) == list(range(6))
    for event in of(events, BarClosed):
        wanted = prices("BTCUSDT", event.bar.open_time_ns // MINUTE_NS)
        assert event.bar.values == pytest.approx(wanted)
    assert delays_s(events)[-1] < 0.5


def test_a_mute_stream_is_noticed_reconnected_and_bars_are_asked_for_meanwhile():
    def hush(held):
        held.venue.mute = True
        held.after(240, lambda: setattr(held.venue, "mute", False))

    events, _ = push(10, lambda held: held.at(2, lambda: hush(held)))
    stale = of(events, Stale)[0]
    assert stale.channel == "stream"
    assert 90 * SECOND_NS < stale.silent_ns <= 92 * SECOND_NS
    assert "connected, but silent" in of(events, Disconnected)[0].reason
    assert of(events, Reconnected)
    assert minutes(events) == list(range(10))
    assert delays_s(events)[-1] < 0.5


def test_pushed_duplicates_corrections_and_nonsense_follow_the_same_rules():
    def prepare(held):
        def act():
            two = FIRST_MINUTE + 2
            held.venue.extra = [
                held.venue.kline("BTCUSDT", two - 1),
                held.venue.kline("BTCUSDT", two - 1, h="999.0"),
                held.venue.kline("BTCUSDT", two - 2, l="nonsense"),
            ]

        held.at(2, act)

    events, held = push(5, prepare)
    assert minutes(events) == [0, 1, 2, 3, 4]
    (revised,) = of(events, BarRevised)
    assert (revised.bar.high, revised.previous.high) == (999.0, of(events, BarClosed)[1].bar.high)
    assert held.feed.counts()[PAIR].rejected == {"a price is not a finite number": 1}


def test_a_minute_whose_end_the_stream_left_out_is_asked_for():
    """What came of it last looks like a bar, and is not the whole of it."""

    def skip(held):
        held.venue.mute = True
        held.after(60, lambda: setattr(held.venue, "mute", False))

    settle_ns = 3 * MINUTE_NS  # so that it is the bar after it that brings it up
    events, held = push(7, lambda held: held.at(2, lambda: skip(held)), push_settle_ns=settle_ns)
    assert minutes(events) == list(range(7))
    for event in of(events, BarClosed):
        wanted = prices("BTCUSDT", event.bar.open_time_ns // MINUTE_NS)
        assert event.bar.values == pytest.approx(wanted)
    assert not of(events, BarRevised)
    assert len(klines(held)) == 2
    assert [(gap.filled, gap.missing) for gap in of(events, GapFilled)] == [(1, 0)]


@pytest.mark.parametrize("jump_s", [3600, -600])
def test_setting_the_clock_while_bars_are_pushed_changes_none(jump_s):
    def prepare(held):
        held.after(88, lambda: setattr(held.clock, "wall_jump_ns", jump_s * SECOND_NS))

    events, _ = push(5, prepare)
    assert minutes(events) == [0, 1, 2, 3, 4]
    assert not of(events, BarRevised)
    for event in of(events, BarClosed):
        wanted = prices("BTCUSDT", event.bar.open_time_ns // MINUTE_NS)
        assert event.bar.values == pytest.approx(wanted)
    assert all(0 <= delay <= 5 for delay in delays_s(events))


def test_whether_bars_are_pushed_is_known_beforehand():
    assert CcxtSource("binance").pushes


@pytest.mark.parametrize("row", [[None, None, 1.0, 1.0, 1.0, None], [], [None] * 9, [10**30, "x"]])
def test_unread_values_are_unknown(row):
    (candle,) = _candles([row], None)
    assert candle.open_time_ns is None
    assert math.isnan(candle.open)
    assert math.isnan(candle.volume)


@pytest.mark.parametrize("rows", [None, {}, "rows", [None], [1], [[1, 2], "x"]])
def test_what_is_no_row_is_an_outage(rows):
    with pytest.raises(Unavailable, match="not a list of bars"):
        _candles(rows, None)
