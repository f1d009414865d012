"""The venue's clock moves between two measurements: no unfinished minute is taken for its bar."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import examples
from feed_sessions import FIRST_MINUTE, START_NS, minutes, of
from market_source import MarketSource
from mlx_muzero.paper.feeds.events import BarClosed, BarRevised, ClockJumped, ClockOffset, Stale
from mlx_muzero.paper.feeds.live import LiveFeed
from mlx_muzero.timeunits import MINUTE_NS
from venue import later, prices
from virtual_time import SECOND_NS, VirtualClock, collect, run

PAIRS = ("BTC/USDT", "ETH/USDT", "XRP/USDT")


class CountingSource(MarketSource):
    """Counts how often it was asked for the time."""

    told = 0

    async def time(self, pair):
        self.told += 1
        return await super().time(pair)


def play(bars, steps=(), silent=(), pairs=PAIRS):
    """Events up to the `bars`-th bar of the first pair, and the source, whose clock takes `steps`:
    seconds from the beginning, and how far it is ahead of the true time from then on."""

    async def main():
        clock = VirtualClock(START_NS)
        source = CountingSource(clock)
        source.venue.silent.update(FIRST_MINUTE + minute for minute in silent)
        tasks = [
            later(
                clock,
                int(at_s * SECOND_NS),
                partial(setattr, source.venue, "ahead_ns", int(ahead_s * SECOND_NS)),
            )
            for at_s, ahead_s in steps
        ]
        feed = LiveFeed(source, clock=clock, uniform=lambda: 0.5)
        async with feed.subscribe(dict.fromkeys(pairs, None)) as events:
            left = iter(range(bars - 1, -1, -1))

            def last(event):
                mine = isinstance(event, BarClosed) and event.bar.pair == pairs[0]
                return mine and not next(left)

            seen = await collect(events, last)
        del tasks
        return seen, source

    return run(main(), grace_s=0)


def assert_final(events):
    """Every bar is what its minute was at its end."""
    for event in of(events, BarClosed):
        bar = event.bar
        assert bar.values == prices(bar.pair, bar.open_time_ns // MINUTE_NS)
    assert not of(events, BarRevised)


@pytest.mark.parametrize("back_s", [-2.5, -5, -50, -3600])
def test_a_clock_that_is_set_back_is_noticed_within_two_minutes(back_s):
    events, _ = play(5, [(100, back_s)])
    assert_final(events)
    assert minutes(events, PAIRS[0]) == list(range(5))
    (jump,) = of(events, ClockJumped)
    assert (jump.whose, jump.jump_ns) == ("venue", pytest.approx(back_s * SECOND_NS, abs=10**8))
    told = next(i for i, event in enumerate(events) if event is jump)
    before = [e for e in events[:told] if isinstance(e, BarClosed)]
    assert max(e.bar.close_time_ns for e in before) <= START_NS + 160 * SECOND_NS


@examples(40)
@given(
    st.lists(
        st.tuples(st.floats(1, 400), st.floats(-90, 90).map(lambda s: round(s, 2))),
        max_size=4,
    )
)
def test_wherever_the_clock_goes_every_bar_is_final(steps):
    events, _ = play(8, sorted(steps))
    assert_final(events)


def test_a_venue_that_stands_still_is_silent_and_gives_no_unfinished_bar():
    """Its clock does too, so it contradicts the estimate for ever: that is no reason to wait."""

    async def main():
        clock = VirtualClock(START_NS)
        source = CountingSource(clock)

        def stop():
            source.venue.stopped_ns = source.venue.now_ns()

        stopping = later(clock, 100 * SECOND_NS, stop)
        feed = LiveFeed(source, clock=clock, uniform=lambda: 0.5)
        async with feed.subscribe(dict.fromkeys(PAIRS, None)) as events:
            seen = await collect(events, lambda event: isinstance(event, Stale))
        del stopping
        return seen, clock.start_ns + 100 * SECOND_NS

    events, stopped_ns = run(main(), grace_s=0)
    assert_final(events)
    assert not of(events, ClockJumped)
    assert max(e.bar.close_time_ns for e in of(events, BarClosed)) <= stopped_ns


def test_an_answer_with_a_later_minute_needs_no_other_proof():
    _, source = play(6)
    assert source.told == 5  # the measurement at the beginning


def test_quiet_minutes_cost_one_question_for_all_pairs():
    """Nothing has been traded since the close, so that no answer has a later minute."""

    class Quiet(CountingSource):
        async def fetch(self, pair, start_ns, bars=None, end_ns=None):
            rows = await super().fetch(pair, start_ns, bars, end_ns)
            return [row for row in rows if row.open_time_ns + MINUTE_NS <= self.venue.now_ns()]

    async def main():
        clock = VirtualClock(START_NS)
        source = Quiet(clock)
        feed = LiveFeed(source, clock=clock, uniform=lambda: 0.5)
        async with feed.subscribe(dict.fromkeys(PAIRS, None)) as events:
            seen = await collect(
                events,
                lambda e: (
                    isinstance(e, BarClosed) and e.bar.open_time_ns // MINUTE_NS == FIRST_MINUTE + 5
                ),
            )
        return seen, source

    events, source = run(main(), grace_s=0)
    assert_final(events)
    assert source.told == 5 + 6
    assert len(of(events, ClockOffset)) == 1
