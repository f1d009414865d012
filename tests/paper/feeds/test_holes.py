"""Holes longer than what a venue answers at once: the feed goes on behind them, asking little."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import examples
from feed_sessions import FIRST_MINUTE, START_NS, minutes, of
from market_source import MarketSource
from mlx_muzero.errors import FeedError
from mlx_muzero.paper.feeds.events import BarClosed, GapFilled, PairLost
from mlx_muzero.paper.feeds.live import LiveFeed
from mlx_muzero.paper.feeds.settings import FeedSettings
from mlx_muzero.timeunits import MINUTE_NS
from venue import later
from virtual_time import SECOND_NS, VirtualClock, collect, run

PAIR = "BTC/USDT"


def play(bars, prepare, first=None, pairs=(PAIR,), limit_minutes=None, **options):
    """Events up to the `bars`-th bar of the first pair, and the source."""

    async def main():
        clock = VirtualClock(START_NS)
        source = MarketSource(clock, **options)
        tasks = prepare(clock, source)
        feed = LiveFeed(source, settings=FeedSettings(), clock=clock, uniform=lambda: 0.5)
        async with feed.subscribe(dict.fromkeys(pairs, first)) as events:
            left = iter(range(bars - 1, -1, -1))

            def last(event):
                mine = isinstance(event, BarClosed) and event.bar.pair == pairs[0]
                over = limit_minutes and clock.monotonic_ns() > limit_minutes * MINUTE_NS
                return over or (mine and not next(left))

            seen = await collect(events, last)
        del tasks
        return seen, source

    return run(main(), grace_s=0)


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("window", [300, 499, 500, None])
def test_a_feed_goes_on_behind_a_hole_longer_than_a_page(window, newest_first):
    """What okx, coinbase (300), gate (499), kucoin and bitget (500) answer, and who counts bars."""
    hole = range(FIRST_MINUTE - 2900, FIRST_MINUTE - 900)
    first_ns = (FIRST_MINUTE - 3000) * MINUTE_NS

    def prepare(clock, source):
        source.venue.silent.update(hole)
        source.newest_first = newest_first

    events, source = play(1003, prepare, first_ns, page_bars=window or 500, window=window)
    assert minutes(events, PAIR) == [*range(-3000, -2900), *range(-900, 3)]
    (gap,) = of(events, GapFilled)
    assert (gap.filled, gap.missing) == (1000, 2000)
    # How much an empty page covers is measured, not believed.
    assert len(source.asked) < 40


def test_a_venue_that_has_only_its_newest_bars_is_no_trap():
    """What it has no more is told as missing."""
    first_ns = (FIRST_MINUTE - 3000) * MINUTE_NS

    def prepare(clock, source):
        minutes = source.venue.minutes
        source.venue.minutes = lambda pair, start_ns, count: minutes(pair, start_ns, 10**6)[-count:]

    events, source = play(721, prepare, first_ns, page_bars=720)
    (gap,) = of(events, GapFilled)
    assert gap.filled + gap.missing == 3000
    assert gap.filled >= 719
    assert minutes(events, PAIR)[-1] >= 0
    assert len(source.asked) < 10


def test_an_empty_page_in_the_middle_is_not_the_end():
    """The last bar before the hole ends a page exactly."""
    first_ns = (FIRST_MINUTE - 900) * MINUTE_NS

    def prepare(clock, source):
        source.venue.silent.update(range(FIRST_MINUTE - 600 - 3, FIRST_MINUTE - 100))

    events, _ = play(398, prepare, first_ns, page_bars=300, window=300)
    assert minutes(events, PAIR)[-1] == 0


@pytest.mark.slow
def test_a_venue_that_stands_still_for_half_a_day_is_not_asked_from_the_beginning_each_time():
    """And what it brings later of that time comes whole."""
    stall = 720  # minutes, more than two pages

    def prepare(clock, source):
        source.venue.stopped_ns = source.venue.now_ns()
        return later(clock, stall * MINUTE_NS, lambda: setattr(source.venue, "stopped_ns", None))

    events, source = play(stall + 3, prepare, page_bars=300, window=300)
    assert minutes(events, PAIR) == list(range(stall + 3))
    assert of(events, GapFilled)[-1].missing == 0
    # About one request a retry (15 s), not the whole stall in pages each time.
    assert len(source.asked) < 1.3 * stall * 4


@pytest.mark.parametrize("newest_first", [False, True])
def test_pages_of_two_bars_get_past_silent_minutes(newest_first):
    back, silent = 51, {-45, -44, -29, 2}

    def prepare(clock, source):
        source.venue.silent.update(FIRST_MINUTE + m for m in silent)
        source.newest_first = newest_first

    wanted = [m for m in range(-back, 6) if m not in silent]
    first_ns = (FIRST_MINUTE - back) * MINUTE_NS
    events, _ = play(len(wanted), prepare, first_ns, page_bars=2, window=2)
    assert minutes(events, PAIR) == wanted


@examples(25)
@given(data=st.data())
def test_whatever_the_holes_every_bar_comes_once_and_in_order(data):
    page = data.draw(st.integers(2, 40), "bars a page")
    window = data.draw(st.none() | st.just(page), "window")
    back = data.draw(st.integers(1, 200), "minutes back")
    silent = data.draw(st.sets(st.integers(-200, 3)), "silent minutes")
    wanted = [m for m in range(-back, 6) if m not in silent]

    def prepare(clock, source):
        source.venue.silent.update(FIRST_MINUTE + m for m in silent)
        source.newest_first = data.draw(st.booleans(), "newest first")

    first_ns = (FIRST_MINUTE - back) * MINUTE_NS
    events, source = play(len(wanted), prepare, first_ns, page_bars=page, window=window)
    assert minutes(events, PAIR) == wanted
    assert len(source.asked) < 3 * (back + 9) / (page - 1) + 2 * len(wanted) + 60


@pytest.mark.parametrize("end", [False, True])
def test_a_pair_that_is_delisted_stops_alone(end):
    def prepare(clock, source):
        def delist():
            source.gone.add("ETH/USDT")
            if end:
                source.gone.add(PAIR)

        return later(clock, 150 * SECOND_NS, delist)

    if end:
        with pytest.raises(FeedError, match="is not available: delisted"):
            play(9, prepare, pairs=(PAIR, "ETH/USDT"))
        return
    events, _ = play(9, prepare, pairs=(PAIR, "ETH/USDT"))
    assert minutes(events, PAIR) == list(range(9))
    assert minutes(events, "ETH/USDT") == [0, 1]
    assert of(events, PairLost) == [PairLost("ETH/USDT", "ETH/USDT is not available: delisted")]


def test_the_clock_is_asked_through_a_pair_that_is_there():
    def prepare(clock, source):
        source.gone.add(PAIR)

    events, _ = play(3, prepare, pairs=(PAIR, "ETH/USDT"), limit_minutes=3)
    assert [e.pair for e in of(events, PairLost)] == [PAIR]
    assert minutes(events, "ETH/USDT")[:2] == [0, 1]


def test_an_unexpected_error_of_a_source_reaches_the_consumer():
    def prepare(clock, source):
        def fail():
            raise KeyError("bid")

        return later(clock, 100 * SECOND_NS, lambda: setattr(source, "fail", fail))

    with pytest.raises(KeyError, match="bid"):
        play(9, prepare)
