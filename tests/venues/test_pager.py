"""The pager against venues made up by hypothesis: no bar is lost, whatever a venue does."""

import asyncio
from dataclasses import dataclass, field

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from examples import examples
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.venues.page import NO_BARS, Page
from mlx_muzero.venues.pager import Pager
from mlx_muzero.venues.source import Refused
from moody_venue import Moods, MoodyVenue

NOW = 10_000


@dataclass
class Made:
    """A venue without a socket: `MoodyVenue`'s answers, as pages."""

    moods: Moods
    silent: set[int] = field(default_factory=set)
    first_minute: int | None = None
    refused_before: int = 0

    def __post_init__(self):
        self.venue = MoodyVenue(NOW * MINUTE_NS, self.moods)
        self.venue.silent, self.venue.first_minute = self.silent, self.first_minute

    async def request(self, start_ns, bars, end_ns):
        await asyncio.sleep(0)
        start, end = (None if ns is None else ns // MINUTE_NS for ns in (start_ns, end_ns))
        if start is not None and start < self.refused_before:
            raise Refused("too long ago")
        rows = self.venue.wanted(start, end, min(bars, self.moods.cap), NOW)
        # As ccxt does with every answer.
        rows = [minute for minute in rows if start is None or minute >= start]
        rows = rows[:bars] if start is not None else rows[-bars:]
        times = np.array(rows, np.int64) * MINUTE_NS
        return Page.of(times, {"close": times.astype(float)}) if rows else NO_BARS

    def walked(self, first, end, sizes=(1000, 300, 100)):
        """Minutes that a download finds, with the pager."""

        async def walk():
            pager = Pager(self.request, sizes)
            await pager.newest()
            spans, pages = [], []
            async for stretch in pager.walk(first * MINUTE_NS, end * MINUTE_NS):
                spans.append((stretch.start_ns // MINUTE_NS, stretch.end_ns // MINUTE_NS))
                if stretch.page is not None:
                    pages.append(stretch.page)
            times = Page.join(pages).open_time_ns // MINUTE_NS
            return times.tolist(), spans, pager

        return asyncio.run(walk())


moods = st.builds(
    Moods,
    cap=st.integers(100, 1500),
    window=st.none() | st.integers(100, 1500),
    newest=st.booleans(),
    inclusive=st.booleans(),
    heeds_end=st.just(True),
)
thin = st.sets(st.integers(NOW - 2500, NOW), max_size=60)
holes = st.lists(st.tuples(st.integers(NOW - 2500, NOW), st.integers(1, 90)), max_size=4)


@given(moods, thin, holes, st.none() | st.integers(NOW - 2600, NOW - 600))
@examples(150)
def test_every_bar_is_found_once_and_in_order(mood, quiet, gaps, listed):
    silent = quiet | {minute for start, length in gaps for minute in range(start, start + length)}
    made = Made(mood, silent, listed)
    first, end = NOW - 2500, NOW
    times, spans, pager = made.walked(first, end)
    wanted = [minute for minute in range(first, end) if made.venue.has(minute)]
    assert times == wanted
    assert [start for start, _ in spans] == [first, *(stop for _, stop in spans[:-1])]
    assert spans[-1][1] == end
    assert pager.requests < 150


def test_silent_minutes_among_the_newest_do_not_hide_how_many_bars_a_venue_returns():
    made = Made(Moods(cap=208, newest=True, inclusive=False), silent={NOW - 208, NOW - 207})
    times, _, _ = made.walked(NOW - 2500, NOW)
    assert times == [minute for minute in range(NOW - 2500, NOW) if made.venue.has(minute)]


def test_an_answer_clears_no_minutes_before_its_first_bar():
    """The newest 100 of 149 minutes begin just where bars are known to be: older ones are there."""
    mood = Moods(cap=100, window=149, newest=True, inclusive=False)
    made = Made(mood, first_minute=NOW - 1188)
    times, _, pager = made.walked(NOW - 2500, NOW)
    assert times == list(range(NOW - 1188, NOW))
    assert pager.requests < 40


def test_a_hole_of_pages_does_not_pass_for_the_time_before_the_first_bar():
    made = Made(Moods(cap=100, newest=True), set(range(9324, 9504)), 9133)
    for first in range(NOW - 2500, NOW - 2400, 9):
        times, _, pager = made.walked(first, NOW)
        assert times == [minute for minute in range(first, NOW) if made.venue.has(minute)]
        assert pager.requests < 60


def test_what_is_refused_is_asked_for_in_smaller_pages():
    made = Made(Moods())
    asked = []

    async def request(start_ns, bars, end_ns, answer=made.request):
        asked.append(bars)
        if bars > 300:
            raise Refused("at most 300")
        return await answer(start_ns, bars, end_ns)

    made.request = request
    times, _, _ = made.walked(NOW - 1000, NOW)
    assert times == list(range(NOW - 1000, NOW))
    assert asked.count(1000) == 1


def test_a_time_that_is_refused_is_one_without_bars():
    made = Made(Moods(window=1000), refused_before=NOW - 1500)
    times, _, _ = made.walked(NOW - 9000, NOW)
    assert times == list(range(NOW - 1500, NOW))


def test_a_long_time_before_the_first_bar_takes_few_requests():
    made = Made(Moods(cap=300, window=300), first_minute=NOW - 400)
    times, _, pager = made.walked(NOW - 9500, NOW)
    assert times == list(range(NOW - 400, NOW))
    assert pager.requests < 40


def test_pages_that_come_whole_are_asked_for_before_they_are_due():
    made = Made(Moods(cap=200))
    running, most = 0, 0

    async def request(start_ns, bars, end_ns, answer=made.request):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        page = await answer(start_ns, bars, end_ns)
        running -= 1
        return page

    made.request = request
    times, _, pager = made.walked(NOW - 4000, NOW)
    assert times == list(range(NOW - 4000, NOW))
    assert most == 4
    assert pager.requests < 30


def test_holes_are_asked_for_once_more_in_as_few_pages_as_reach():
    made = Made(Moods(cap=500))
    asked = []

    async def request(start_ns, bars, end_ns, answer=made.request):
        asked.append(start_ns // MINUTE_NS)
        return await answer(start_ns, bars, end_ns)

    async def again():
        pager = Pager(request, (500,))
        async for _ in pager.walk((NOW - 1500) * MINUTE_NS, NOW * MINUTE_NS):
            pass
        asked.clear()
        gaps = [NOW - 1400, NOW - 1390, NOW - 1100, NOW - 200]
        return await pager.again([(gap * MINUTE_NS, (gap + 1) * MINUTE_NS) for gap in gaps])

    assert len(asyncio.run(again())) == 2
    assert asked == [NOW - 1401, NOW - 201]
