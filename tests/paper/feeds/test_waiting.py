"""Backoff, silence by the market's hours, and the venue's clock."""

import asyncio
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_muzero.errors import FeedError
from mlx_muzero.paper.feeds.events import ClockJumped, ClockOffset, ClockTrusted, Slept
from mlx_muzero.paper.feeds.heartbeat import Heartbeat
from mlx_muzero.paper.feeds.outbox import Outbox
from mlx_muzero.paper.feeds.settings import FeedSettings
from mlx_muzero.timeunits import HOUR_NS, MINUTE_NS
from mlx_muzero.venues.connection import backoff_ns
from mlx_muzero.venues.hours import (
    AroundTheClock,
    FxWeek,
    dealer_hours,
    exchange_hours,
    hours_of,
)
from mlx_muzero.venues.source import VenueTime
from mlx_muzero.venues.venue_clock import VenueClock
from virtual_time import MONDAY_NS, SECOND_NS, VirtualClock, run

FRIDAY_CLOSE_NS = MONDAY_NS + (4 * 24 + 22) * HOUR_NS  # 2025-03-07 17:00 New York, winter time
SUNDAY_OPEN_NS = MONDAY_NS + (6 * 24 + 21) * HOUR_NS  # 2025-03-09 17:00, summer time


def test_backoff_doubles_to_its_cap():
    waits = [backoff_ns(n, FeedSettings(), lambda: 1.0) / SECOND_NS for n in range(1, 9)]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]


@given(failures=st.integers(1, 10**9), random=st.floats(0, 1, exclude_max=True))
def test_jitter_takes_at_most_half_of_the_wait(failures, random):
    longest = backoff_ns(failures, FeedSettings(), lambda: 1.0)
    assert longest / 2 <= backoff_ns(failures, FeedSettings(), lambda: random) <= longest


def test_a_pair_name_tells_its_hours():
    assert isinstance(hours_of("EUR_USD"), FxWeek)
    assert isinstance(hours_of("BTC/USDT:USDT"), AroundTheClock)


def test_a_venue_keeps_its_own_hours():
    # OANDA's index sleeps at weekends, its coin does not; Kraken's euro does not either.
    assert isinstance(dealer_hours("SPX500_USD"), FxWeek)
    assert isinstance(dealer_hours("EUR_USD"), FxWeek)
    assert isinstance(dealer_hours("BTC_USD"), AroundTheClock)
    assert isinstance(exchange_hours("EUR/USD"), AroundTheClock)


@pytest.mark.parametrize(
    ("pair", "hours", "patience_s"),
    [
        ("EUR_USD", dealer_hours, 600),
        ("SPX500_USD", dealer_hours, 600),
        ("BTC_USD", dealer_hours, 90),
        ("BTC/USDT", exchange_hours, 90),
        ("EUR/USD", exchange_hours, 600),
    ],
)
def test_what_has_quiet_minutes_is_waited_for_longer(pair, hours, patience_s):
    assert FeedSettings().stale_ns(pair, hours(pair)) == patience_s * SECOND_NS


def test_fx_hours_leave_out_the_weekend():
    hours = FxWeek()
    assert hours.open_ns(FRIDAY_CLOSE_NS - MINUTE_NS, SUNDAY_OPEN_NS + MINUTE_NS) == 2 * MINUTE_NS
    assert hours.next_open_ns(FRIDAY_CLOSE_NS) == SUNDAY_OPEN_NS
    assert hours.next_open_ns(FRIDAY_CLOSE_NS - 1) == FRIDAY_CLOSE_NS - 1
    assert hours.next_open_ns(SUNDAY_OPEN_NS) == SUNDAY_OPEN_NS


def test_silence_is_told_once_until_something_comes():
    heart = Heartbeat(AroundTheClock(), MINUTE_NS, MONDAY_NS)
    assert not heart.missed(MONDAY_NS + MINUTE_NS)
    assert heart.missed(MONDAY_NS + MINUTE_NS + 1)
    assert not heart.missed(MONDAY_NS + HOUR_NS)
    heart.beat(MONDAY_NS + HOUR_NS)
    assert not heart.missed(MONDAY_NS + HOUR_NS + MINUTE_NS)
    assert heart.missed(MONDAY_NS + HOUR_NS + MINUTE_NS + 1)


def test_a_weekend_is_no_silence_for_fx():
    heart = Heartbeat(FxWeek(), MINUTE_NS, FRIDAY_CLOSE_NS - 1)
    assert not heart.missed(SUNDAY_OPEN_NS + MINUTE_NS - 1)
    assert heart.missed(SUNDAY_OPEN_NS + MINUTE_NS)


class Venue:
    """A venue's clock, `ahead_ns` of the wall as it was, behind a network."""

    def __init__(self, clock, ahead_ns, trips_ns):
        self.clock, self.ahead_ns, self._trips = clock, ahead_ns, itertools.cycle(trips_ns)

    async def time(self):
        trip_ns = next(self._trips)
        await asyncio.sleep(trip_ns / 2 / SECOND_NS)
        now_ns = self.clock.start_ns + self.clock.monotonic_ns() + self.ahead_ns
        await asyncio.sleep(trip_ns / 2 / SECOND_NS)
        return VenueTime(now_ns, 0)


@pytest.mark.parametrize("ahead_s", [0.0, 7.5, -3600.0])
def test_the_offset_is_the_median_of_several(ahead_s):
    """One answer that took four seconds does not count."""

    async def main():
        clock = VirtualClock()
        venue = Venue(clock, int(ahead_s * SECOND_NS), [10**8, 10**8, 4 * 10**9, 10**8, 2 * 10**8])
        estimate = VenueClock(clock, SECOND_NS)
        (event,) = await estimate.measure(venue.time, 5)
        return event, estimate.now_ns() - clock.wall_ns()

    event, difference = run(main(), grace_s=0)
    assert event == ClockOffset(event.offset_ns, event.uncertainty_ns, 5)
    assert event.offset_ns == pytest.approx(ahead_s * SECOND_NS, abs=1000)
    assert event.uncertainty_ns == pytest.approx(5 * 10**7, abs=1000)
    assert difference == event.offset_ns


def jumps(change):
    """Events of a second measurement after `change(clock, venue)`, and what the wall had done."""

    async def main():
        clock = VirtualClock()
        venue = Venue(clock, 0, [10**6])
        estimate = VenueClock(clock, SECOND_NS)
        await estimate.measure(venue.time, 3)
        assert estimate.local_jump() is None
        change(clock, venue)
        before_ns = estimate.now_ns()
        local = estimate.local_jump()
        return local, await estimate.measure(venue.time, 3), before_ns - venue.clock.start_ns

    return run(main(), grace_s=0)


def test_a_wall_clock_that_is_set_is_noticed_and_changes_no_bar():
    def change(clock, venue):
        clock.wall_jump_ns = HOUR_NS

    local, (offset,), venue_ns = jumps(change)
    assert local == ClockJumped("local", HOUR_NS)
    assert offset.offset_ns == pytest.approx(-HOUR_NS, abs=1000)
    assert venue_ns < SECOND_NS


def test_a_machine_that_slept_is_noticed_and_believes_the_venue():
    def change(clock, venue):
        clock.wall_jump_ns = venue.ahead_ns = 8 * HOUR_NS

    local, (slept, offset), venue_ns = jumps(change)
    assert local == ClockJumped("local", 8 * HOUR_NS)
    assert slept == Slept(pytest.approx(8 * HOUR_NS, abs=1000))
    assert offset.offset_ns == pytest.approx(0, abs=1000)
    assert venue_ns < SECOND_NS  # until measured: no minute is over that may not be


def test_a_venue_clock_that_jumps_is_noticed():
    def change(clock, venue):
        venue.ahead_ns = -90 * SECOND_NS

    local, (jump, offset), _ = jumps(change)
    assert local is None
    assert (jump.whose, jump.jump_ns) == ("venue", pytest.approx(-90 * SECOND_NS, abs=1000))
    assert offset.offset_ns == jump.jump_ns


def test_a_clock_is_in_doubt_from_a_jump_to_the_end_of_the_next_measurement():
    async def main():
        clock = VirtualClock()
        venue = Venue(clock, 0, [10**6])
        estimate = VenueClock(clock, SECOND_NS)
        assert not estimate.in_doubt
        await estimate.measure(venue.time, 3)
        clock.wall_jump_ns = -HOUR_NS
        assert estimate.in_doubt
        waiting = asyncio.create_task(estimate.wait_until_certain())
        await asyncio.sleep(1)
        assert not waiting.done()

        async def moves_meanwhile():
            clock.wall_jump_ns += 2 * SECOND_NS
            return await venue.time()

        await estimate.measure(moves_meanwhile, 3)
        assert estimate.in_doubt
        await estimate.measure(venue.time, 3)
        await waiting

    run(main(), grace_s=0)


def test_where_the_venue_tells_no_time_this_machines_clock_counts():
    async def main():
        async def none():
            return None

        clock = VirtualClock()
        estimate = VenueClock(clock, SECOND_NS)
        assert await estimate.measure(none, 3) == [ClockTrusted()]
        clock.wall_jump_ns = HOUR_NS
        assert estimate.now_ns() == clock.wall_ns()
        assert not estimate.in_doubt

    run(main(), grace_s=0)


def test_a_backfill_waits_for_a_slow_consumer_and_an_error_comes_last():
    async def main():
        outbox = Outbox()
        event = ClockJumped("local", 1)
        outbox.put([event] * (Outbox.ROOM + 1))
        outbox.fail(FeedError("over"))
        waiting = asyncio.create_task(outbox.room())
        await asyncio.sleep(1)
        assert not waiting.done()
        for _ in range(Outbox.ROOM + 1):
            assert await outbox.get() is event
        await waiting
        with pytest.raises(FeedError, match="over"):
            await outbox.get()

    run(main(), grace_s=0)
