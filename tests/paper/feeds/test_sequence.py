"""The rules of one pair's bars: closed, possible, once, in order, and no silent past."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_muzero.paper.feeds.events import BarClosed, BarRejected, BarRevised, GapFilled
from mlx_muzero.paper.feeds.final_candle import FinalCandles
from mlx_muzero.paper.feeds.sequence import BarSequence
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.venues.candle import Candle
from mlx_muzero.venues.hours import AroundTheClock
from virtual_time import MONDAY_NS, SECOND_NS

LATER = MONDAY_NS + 10_000 * MINUTE_NS


def candle(minute, close=100.0, **changes):
    plain = Candle(MONDAY_NS + minute * MINUTE_NS, 100.0, 110.0, 90.0, close, 1.0)
    return replace(plain, **changes)


def sequence(remembered_bars=100):
    return BarSequence("BTC/USDT", MONDAY_NS, AroundTheClock(), remembered_bars)


def offer(to, *candles, venue_ns=LATER):
    return [event for each in candles for event in to.offer(each, venue_ns, venue_ns)]


def minutes(events):
    bars = [event.bar for event in events if isinstance(event, BarClosed)]
    return [(bar.open_time_ns - MONDAY_NS) // MINUTE_NS for bar in bars]


def test_only_closed_bars_are_emitted():
    bars = sequence()
    close_ns = MONDAY_NS + MINUTE_NS
    assert offer(bars, candle(0), venue_ns=close_ns - 1) == []
    assert offer(bars, candle(0, complete=False), venue_ns=close_ns) == []
    (event,) = offer(bars, candle(0, close=105.0), venue_ns=close_ns)
    assert event.bar.close == 105.0
    assert event.bar.close_time_ns == close_ns


def test_a_duplicate_is_dropped_and_counted():
    bars = sequence()
    assert minutes(offer(bars, candle(0), candle(1), candle(0), candle(1))) == [0, 1]
    assert (bars.counts.bars, bars.counts.duplicates, bars.counts.revisions) == (2, 2, 0)


def test_an_unknown_volume_sent_twice_is_a_duplicate():
    bars = sequence()
    offer(bars, candle(0, volume=math.nan), candle(0, volume=math.nan))
    assert bars.counts.duplicates == 1


def test_a_correction_is_a_revision_and_the_past_stays():
    bars = sequence()
    (first,) = offer(bars, candle(0))
    (second,) = offer(bars, candle(0, close=101.0))
    (third,) = offer(bars, candle(0, close=102.0))
    assert (second.previous, second.bar.close) == (first.bar, 101.0)
    assert third == BarRevised(third.bar, second.bar)
    assert offer(bars, candle(0, close=102.0)) == []
    assert minutes(offer(bars, candle(1))) == [1]


def test_before_a_bar_is_emitted_the_last_word_counts():
    bars = sequence()
    events = offer(bars, candle(1, close=101.0), candle(1, close=102.0), candle(0))
    assert [event.bar.close for event in events] == [100.0, 102.0]
    assert bars.counts.revisions == 0


@given(st.permutations(list(range(8))))
def test_any_order_of_arrival_is_put_in_order(order):
    bars = sequence()
    assert minutes(offer(bars, *(candle(minute) for minute in order))) == list(range(8))
    assert not bars.holds_back


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"close": math.nan}, "a price is not a finite number"),
        ({"open": -1.0, "low": -2.0}, "a price is zero or negative"),
        ({"high": 99.0}, "open or close outside low to high"),
        ({"volume": -1.0}, "the volume is negative or infinite"),
        ({"open_time_ns": None}, "its time cannot be read"),
        ({"open_time_ns": MONDAY_NS + 1}, "its time is not a whole minute"),
        ({"open_time_ns": LATER + 2 * MINUTE_NS}, "its minute has not started"),
    ],
)
def test_a_malformed_bar_is_rejected_with_its_reason_and_counted_once(changes, reason):
    bars = sequence()
    bad = replace(candle(0), **changes)
    assert offer(bars, bad, bad) == [BarRejected("BTC/USDT", bad.open_time_ns, reason)]
    assert bars.counts.rejected == {reason: 1}
    assert minutes(offer(bars, candle(0))) == [0]


def test_bars_before_the_first_one_wanted_are_ignored():
    bars = sequence()
    assert offer(bars, candle(-1), candle(-1, close=101.0)) == []
    assert bars.counts.revisions == bars.counts.duplicates == 0


def test_a_hole_is_filled_in_order_before_newer_bars():
    bars = sequence()
    assert minutes(offer(bars, candle(0), candle(5), candle(6))) == [0]
    bars.open_hole()
    assert minutes(offer(bars, candle(1), candle(7), candle(2), candle(4))) == [1, 2]
    events = bars.close_hole()
    gap = GapFilled("BTC/USDT", MONDAY_NS + MINUTE_NS, MONDAY_NS + 5 * MINUTE_NS, 3, 1)
    assert [type(event) for event in events] == [BarClosed, GapFilled, *[BarClosed] * 3]
    assert minutes(events) == [4, 5, 6, 7]
    assert events[1] == gap


def test_a_bar_that_comes_after_its_minute_was_given_up_is_a_revision_of_nothing():
    bars = sequence()
    offer(bars, candle(0), candle(2))
    bars.open_hole()
    bars.close_hole()
    (late,) = offer(bars, candle(1))
    assert late == BarRevised(late.bar, None)
    assert offer(bars, candle(1)) == []


def test_memory_is_bounded_and_what_is_older_is_counted():
    bars = sequence(remembered_bars=3)
    offer(bars, *(candle(minute) for minute in range(6)))
    assert len(offer(bars, candle(3, close=101.0), candle(2, close=101.0))) == 1
    assert (bars.counts.revisions, bars.counts.too_old) == (1, 1)
    for minute in range(10):
        offer(bars, candle(minute, high=0.0))
    assert len(bars._emitted) == len(bars._rejected) == 3


@given(
    sent=st.lists(
        st.tuples(st.integers(0, 30), st.sampled_from([99.0, 100.0, 101.0, math.nan])),
        max_size=80,
    ),
    asks=st.sets(st.integers(0, 80)),
)
def test_whatever_a_venue_sends_emitted_bars_are_possible_and_increase(sent, asks):
    bars, events = sequence(), []
    for i, (minute, close) in enumerate(sent):
        events += offer(bars, candle(minute, close=close))
        if i in asks:
            bars.open_hole()
            events += bars.close_hole()
    while bars.holds_back:
        bars.open_hole()
        events += bars.close_hole()
    emitted = minutes(events)
    assert emitted == sorted(set(emitted))
    assert all(not math.isnan(e.bar.close) for e in events if isinstance(e, BarClosed))
    told = {m for m, close in sent if not math.isnan(close)}
    revised = {
        (e.bar.open_time_ns - MONDAY_NS) // MINUTE_NS for e in events if isinstance(e, BarRevised)
    }
    assert told == set(emitted) | revised
    assert bars.counts.bars == len(emitted)
    assert not bars.holds_back
    gone = sum(e.missing for e in events if isinstance(e, GapFilled))
    assert gone == (max(emitted) + 1 if emitted else 0) - len(emitted)


def told(*messages):
    """(minute, close, complete) told by a stream of (minute, close, second of arrival)."""
    stream, found = FinalCandles(), []
    for minute, close, second in messages:
        for each in stream.take([candle(minute, close)], MONDAY_NS + second * SECOND_NS):
            found.append(((each.open_time_ns - MONDAY_NS) // MINUTE_NS, each.close, each.complete))
    return found


def test_a_streamed_minute_is_whole_when_its_last_word_came_after_its_end():
    assert told((0, 1.0, 59), (0, 2.0, 60)) == []
    assert told((0, 1.0, 59), (0, 2.0, 60), (1, 3.0, 60)) == [(0, 2.0, True)]


def test_a_streamed_minute_that_stopped_before_its_end_is_not():
    assert told((0, 1.0, 30), (1, 3.0, 90), (1, 4.0, 120), (2, 5.0, 121)) == [(1, 4.0, True)]


def test_a_streamed_correction_is_told_at_once():
    assert told((1, 1.0, 70), (0, 2.0, 71)) == [(0, 2.0, True)]


def test_a_streamed_time_from_the_future_changes_nothing():
    found = told((0, 1.0, 30), (9999, 7.0, 31), (0, 2.0, 60), (1, 3.0, 60))
    assert found == [(9999, 7.0, None), (0, 2.0, True)]
