"""The OANDA feed against a server of its protocol, well and badly behaved."""

import asyncio
import contextlib
import itertools
import logging
import math
import traceback
from functools import partial

import pytest

import feed_sessions
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
    Reconnected,
    Stale,
)
from mlx_muzero.timeunits import HOUR_NS, MINUTE_NS
from mlx_muzero.venues.oanda import PRACTICE_URL, TOKEN_VARIABLE, OandaSource
from oanda_venue import TOKEN, OandaVenue
from venue import prices
from virtual_time import MONDAY_NS, SECOND_NS, run

PAIR = "USD_JPY"


@pytest.fixture(autouse=True)
def token(monkeypatch):
    monkeypatch.setenv(TOKEN_VARIABLE, f" {TOKEN}\n")
    # Certificates take long to load, and nobody here has one.
    monkeypatch.setattr("ssl.SSLContext.load_verify_locations", lambda *_, **__: None)


def play(bars, prepare=None, pairs=(PAIR,), **options):
    return feed_sessions.play(OandaVenue, OandaSource, pairs, bars, prepare, **options)


def session(start_ns=START_NS, **settings):
    return feed_sessions.session(OandaVenue, OandaSource, start_ns, **settings)


def minutes(events, pair=PAIR):
    return feed_sessions.minutes(events, pair)


def rows_edited(minute, change, until=None):
    """An edit of answers: `change(row)` gives the rows in place of the one of `minute`."""
    time = f"{(FIRST_MINUTE + minute) * 60}.000000000"

    def edit(rows):
        return [new for row in rows for new in (change(row) if row["time"] == time else [row])]

    return edit


def test_closed_bars_come_once_a_minute_with_their_three_times():
    events, held = play(3)
    assert [type(e) for e in events] == [ClockOffset, BarClosed, BarClosed, BarClosed]
    assert minutes(events) == [0, 1, 2]
    for event in of(events, BarClosed):
        bar = event.bar
        wanted = prices(PAIR, bar.open_time_ns // MINUTE_NS)
        assert bar.values == tuple(float(f"{x:.3f}") for x in wanted)
        assert 0 <= bar.arrival_time_ns - bar.close_time_ns <= 2 * SECOND_NS
        assert abs(bar.source_time_ns - bar.arrival_time_ns) <= SECOND_NS
    assert held.feed.counts()[PAIR].bars == 3


def test_bars_bring_their_spread_where_it_is_paid():
    for quoted, spread in ((False, None), (True, pytest.approx(0.002))):
        source = partial(OandaSource, quoted=quoted)
        events, _ = feed_sessions.play(OandaVenue, source, (PAIR,), 2, None)
        assert [event.bar.spread for event in of(events, BarClosed)] == [spread] * 2


def test_several_pairs_come_side_by_side():
    events, _ = play(4, pairs=("USD_JPY", "EUR_USD"))
    assert minutes(events)[:3] == minutes(events, "EUR_USD")[:3] == [0, 1, 2]


def test_a_start_in_the_past_is_a_backfill_in_pages(monkeypatch):
    monkeypatch.setattr(OandaSource, "page_bars", 50)
    first_ns = START_NS - 3 * HOUR_NS
    events, held = play(182, first=first_ns)
    assert minutes(events) == list(range(-179, 3))
    (gap,) = of(events, GapFilled)
    assert (gap.filled, gap.missing) == (179, 0)
    assert events.index(gap) == 180  # after the offset and what it filled
    assert sum(query["count"] == "50" for _, _, query in held.venue.requests) <= 9


def test_a_backfill_is_bounded():
    events, _ = play(62, first=(FIRST_MINUTE - 540) * MINUTE_NS, max_backfill_bars=60)
    (gap,) = of(events, GapFilled)
    assert (gap.filled, gap.missing) == (60, 480)
    assert minutes(events)[0] == -60


def test_dropped_connections_are_tried_again():
    def prepare(held):
        held.at(1, lambda: held.venue.failures.extend([(0, {})] * 3))

    events, _ = play(4, prepare)
    downs, (up,) = of(events, Disconnected), of(events, Reconnected)
    assert [d.retry_ns / SECOND_NS for d in downs] == [0.75, 1.5, 3.0]
    assert (up.attempts, up.channel) == (3, "requests")
    assert minutes(events) == [0, 1, 2, 3]


def test_5xx_is_waited_out_and_the_hole_filled():
    def prepare(held):
        held.at(1, lambda: held.venue.failures.extend([(503, {})] * 9))

    events, _ = play(9, prepare)
    assert {d.reason for d in of(events, Disconnected)} == {"HTTP 503"}
    assert minutes(events) == list(range(9))
    assert of(events, GapFilled)[0].missing == 0


def test_429_stops_all_requests_for_as_long_as_it_says():
    def prepare(held):
        held.at(1, lambda: held.venue.failures.append((429, {"Retry-After": "150"})))

    events, held = play(6, prepare, pairs=("USD_JPY", "EUR_USD"))
    (down,) = of(events, Disconnected)
    assert (down.reason, down.retry_ns) == ("HTTP 429", 150 * SECOND_NS)
    times = [seconds for seconds, _, _ in held.venue.requests]
    pauses = [b - a for a, b in itertools.pairwise(times) if b - a > 60]
    assert len(pauses) == 1
    assert pauses[0] >= 150
    assert minutes(events) == [0, 1, 2, 3, 4, 5]


def test_a_stall_while_connected_is_noticed_and_its_hole_filled():
    def stop(held):
        held.venue.stopped_ns = held.venue.now_ns()
        held.at(25, lambda: setattr(held.venue, "stopped_ns", None))

    events, _ = play(26, lambda held: held.at(3, lambda: stop(held)), tick_ns=2 * SECOND_NS)
    (stale,) = of(events, Stale)
    assert (stale.channel, stale.last_open_time_ns // MINUTE_NS - FIRST_MINUTE) == ("requests", 2)
    assert 10 * MINUTE_NS < stale.silent_ns <= 10 * MINUTE_NS + 2 * SECOND_NS
    assert not of(events, Disconnected)
    assert minutes(events) == list(range(26))
    assert events.index(stale) < events.index(of(events, GapFilled)[0])


FRIDAY_1657_NS = MONDAY_NS + (4 * 24 + 21) * HOUR_NS + 57 * MINUTE_NS  # New York
SUNDAY_1700_NS = MONDAY_NS + (6 * 24 + 21) * HOUR_NS


def test_a_closed_market_is_not_stale():
    async def main():
        events = []
        async with session(FRIDAY_1657_NS, tick_ns=10 * SECOND_NS) as held:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1800), held.feed.subscribe({PAIR: None}) as stream:
                    async for event in stream:
                        events.append(event)
        return events

    assert [type(event) for event in run(main())] == [ClockOffset, *[BarClosed] * 3]


def test_a_weekend_is_no_gap():
    events, _ = play(6, start_ns=SUNDAY_1700_NS + 90 * SECOND_NS, first=FRIDAY_1657_NS)
    opens = [e.bar.open_time_ns for e in of(events, BarClosed)]
    assert opens[2:4] == [FRIDAY_1657_NS + 2 * MINUTE_NS, SUNDAY_1700_NS]
    (gap,) = of(events, GapFilled)
    assert (gap.filled, gap.missing) == (4, 0)


def test_a_quiet_minute_is_given_up_when_the_next_one_is_there():
    events, _ = play(4, lambda held: held.venue.silent.update({FIRST_MINUTE + 1, FIRST_MINUTE + 2}))
    assert minutes(events) == [0, 3, 4, 5]
    assert sum(gap.missing for gap in of(events, GapFilled)) == 2


def test_duplicates_are_dropped():
    events, held = play(4, lambda held: setattr(held.venue, "edit", lambda rows: rows * 2))
    assert minutes(events) == [0, 1, 2, 3]
    assert held.feed.counts()[PAIR].duplicates > 4
    assert held.feed.counts()[PAIR].revisions == 0


def test_out_of_order_bars_are_ordered():
    def prepare(held):
        held.venue.edit = lambda rows: rows[::-1]
        held.at(2, lambda: held.venue.failures.extend([(500, {})] * 8))

    events, _ = play(8, prepare, first=START_NS - 10 * MINUTE_NS)
    assert minutes(events) == list(range(-9, -1))


def test_a_revised_bar_is_an_event_and_the_past_stays():
    def correct(held):
        def change(row):
            return [row | {"bid": row["bid"] | {"h": "999.000"}}]

        held.venue.edit = rows_edited(1, change)

    events, _ = play(5, lambda held: held.at(2, lambda: correct(held)))
    (revised,) = of(events, BarRevised)
    emitted = [e.bar for e in of(events, BarClosed)]
    assert revised.previous == emitted[1]
    assert revised.previous.high < revised.bar.high == 999.0
    assert minutes(events) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"bid": {"o": "abc", "h": "1", "l": "1", "c": "1"}}, "a price is not a finite number"),
        ({"bid": None}, "a price is not a finite number"),
        ({"bid": {"o": "1", "h": "1", "l": "2", "c": "1"}}, "open or close outside low to high"),
        ({"bid": {"o": "0", "h": "1", "l": "0", "c": "1"}}, "a price is zero or negative"),
        ({"time": "yesterday"}, "its time cannot be read"),
        ({"time": f"{FIRST_MINUTE * 60 + 61}.5"}, "its time is not a whole minute"),
        ({"time": f"{FIRST_MINUTE * 60 + 864000}"}, "its minute has not started"),
    ],
)
def test_a_malformed_bar_is_rejected_with_a_reason_and_the_others_come(change, reason):
    events, held = play(
        3, lambda held: setattr(held.venue, "edit", rows_edited(1, lambda row: [row | change]))
    )
    assert {e.reason for e in of(events, BarRejected)} == {reason}
    assert held.feed.counts()[PAIR].rejected == {reason: 1}
    assert minutes(events) == [0, 2, 3]
    assert of(events, GapFilled)[0].missing == 1


@pytest.mark.parametrize("rows", ["not JSON at all", {"a": 1}])
def test_an_answer_that_is_no_list_of_candles_is_an_outage(rows):
    def prepare(held):
        held.at(1, lambda: setattr(held.venue, "edit", lambda _: rows))
        held.after(200, lambda: setattr(held.venue, "edit", list))

    events, _ = play(5, prepare)
    assert of(events, Disconnected)[0].reason == "the answer is not a list of candles"
    assert minutes(events) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("ahead_s", [0.0, 45.0, -45.0, -600.0, 3600.0])
def test_the_clocks_offset_is_shown_and_bars_close_by_the_venues_clock(ahead_s):
    """A clock three quarters of a minute off would take bars long before their close."""
    ahead_ns = int(ahead_s * SECOND_NS)
    events, _held = play(3, lambda held: setattr(held.venue, "ahead_ns", ahead_ns))
    (offset,) = of(events, ClockOffset)
    assert offset.samples == 5
    assert abs(offset.offset_ns - ahead_ns) <= offset.uncertainty_ns <= SECOND_NS
    for event in of(events, BarClosed):
        late_ns = event.bar.arrival_time_ns - event.bar.close_time_ns
        assert 0 <= late_ns <= 3 * SECOND_NS


def test_a_venue_clock_that_jumps_is_noticed_at_the_next_measurement():
    def prepare(held):
        held.at(2, lambda: setattr(held.venue, "ahead_ns", 20 * SECOND_NS))

    events, _ = play(8, prepare, offset_interval_ns=5 * MINUTE_NS)
    (jump,) = of(events, ClockJumped)
    assert jump.whose == "venue"
    assert abs(jump.jump_ns - 20 * SECOND_NS) <= SECOND_NS
    assert minutes(events) == list(range(8))


def test_a_local_clock_jump_is_noticed_and_changes_no_bar():
    def prepare(held):
        held.at(2, lambda: setattr(held.clock, "wall_jump_ns", HOUR_NS))

    events, _held = play(5, prepare)
    (jump,) = of(events, ClockJumped)
    assert (jump.whose, jump.jump_ns) == ("local", HOUR_NS)
    assert abs(of(events, ClockOffset)[-1].offset_ns + HOUR_NS) <= SECOND_NS
    assert minutes(events) == [0, 1, 2, 3, 4]
    values = [e.bar.close for e in of(events, BarClosed)]
    wanted = [float(f"{prices(PAIR, FIRST_MINUTE + m)[3]:.3f}") for m in range(5)]
    assert values == wanted


def test_after_the_machine_slept_the_hole_is_filled_at_once():
    def shut_the_lid(held):
        held.clock.wall_jump_ns = held.venue.ahead_ns = 3 * HOUR_NS

    events, held = play(184, lambda held: held.at(2, lambda: shut_the_lid(held)))
    assert [(j.whose, j.jump_ns) for j in of(events, ClockJumped)] == [("local", 3 * HOUR_NS)]
    assert minutes(events) == list(range(184))
    assert of(events, GapFilled)[0].filled >= 180
    assert held.elapsed_ns < 5 * MINUTE_NS


def test_a_start_during_an_outage_waits():
    events, _ = play(2, lambda held: held.venue.failures.extend([(502, {})] * 4))
    assert len(of(events, Disconnected)) == 4
    assert {e.channel for e in of(events, Reconnected)} == {"clock"}
    assert minutes(events) == [0, 1]


@pytest.mark.parametrize(("pairs", "text"), [(("NO_SUCH",), "no candles of NO_SUCH"), ((), "pair")])
def test_a_pair_the_venue_does_not_have_ends_the_feed(pairs, text):
    with pytest.raises(FeedError, match=text):
        play(1, pairs=pairs)


def test_a_refused_token_ends_the_feed(monkeypatch):
    monkeypatch.setenv(TOKEN_VARIABLE, "another")
    with pytest.raises(FeedError, match=TOKEN_VARIABLE) as error:
        play(1)
    assert "another" not in "".join(traceback.format_exception(error.value))


@pytest.mark.parametrize("text", ["", "  ", "two words", "línea", "a\x00b"])
def test_without_a_usable_token_nothing_is_asked(monkeypatch, text):
    monkeypatch.setattr("os.environ", {TOKEN_VARIABLE: text})
    with pytest.raises(FeedError, match=TOKEN_VARIABLE) as error:
        OandaSource()
    assert not text.strip() or text not in "".join(traceback.format_exception(error.value))


def test_the_token_is_in_no_log_repr_or_error(caplog, capfd):
    caplog.set_level(logging.DEBUG)

    def prepare(held):
        held.at(1, lambda: held.venue.failures.extend([(0, {}), (500, {}), (429, {})]))

    events, held = play(3, prepare)
    source = held.feed._source
    shown = [repr(e) for e in events] + [repr(source), repr(vars(source)), repr(vars(held.feed))]
    shown += [repr(source._client.headers), caplog.text, *capfd.readouterr()]
    assert of(events, Disconnected)
    assert TOKEN not in "".join(shown)


def test_only_candles_of_the_practice_server_are_asked():
    assert PRACTICE_URL == "https://api-fxpractice.oanda.com"
    _, held = play(2)
    assert {path for _, path, _ in held.venue.requests} == {f"/v3/instruments/{PAIR}/candles"}


def test_leaving_the_block_ends_every_task_and_connection():
    async def main():
        async with session() as held:
            before = asyncio.all_tasks()
            async with held.feed.subscribe({PAIR: None, "EUR_USD": None}) as events:
                await anext(events)
                assert len(asyncio.all_tasks()) > len(before)
            left = asyncio.all_tasks() - before
            return {
                t for t in left if "aiohttp" not in repr(t)
            }, held.feed._source._client.is_closed

    assert run(main()) == (set(), True)


def test_unknown_prices_are_no_numbers():
    from mlx_muzero.venues.candle import number

    assert math.isnan(number(None))
    assert math.isnan(number("x"))
    assert number("1.5") == 1.5
