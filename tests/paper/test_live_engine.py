"""The engine on the wall clock: late bars, dead feeds, sleep, and markets apart."""

import asyncio
import contextlib
import threading
from contextlib import asynccontextmanager

import pytest

from markets import MINUTE_NS, MONDAY_NS
from mlx_muzero.errors import FeedError
from mlx_muzero.paper.feeds.events import BarClosed, LiveBar, Slept, Stale
from mlx_muzero.runlog import journal
from paper_sessions import (
    WARM_BARS,
    ScriptedPlanner,
    events_of,
    market,
    markets,
    play,
    settings,
)


class Scripted:
    """A live feed that says what it is told to."""

    def __init__(self, *events, error=None):
        self._events, self._error = events, error
        self.first = None

    @asynccontextmanager
    async def subscribe(self, first):
        self.first = first

        async def events():
            for event in self._events:
                yield event
            if self._error:
                raise self._error

        yield events()


def live_bars(bars, pair="USDJPY", late_ns=0):
    return [
        BarClosed(
            LiveBar(
                pair,
                int(bars.open_time_ns[i]),
                *(float(getattr(bars, n)[i]) for n in ("open", "high", "low", "close")),
                1.0,
                None,
                int(bars.open_time_ns[i]) + MINUTE_NS + late_ns,
            )
        )
        for i in range(len(bars))
    ]


class Wall:
    """A wall clock that stands where it is put."""

    def __init__(self, now_ns):
        self.now_ns = now_ns

    def __call__(self):
        return self.now_ns


def test_after_a_sleep_the_hole_is_told_and_old_bars_are_not_traded_on(tmp_path):
    bars = market("USDJPY", WARM_BARS + 200)
    awake, asleep = bars.slice(0, WARM_BARS + 5), bars.slice(WARM_BARS + 5, WARM_BARS + 125)
    slept = Slept(120 * MINUTE_NS)
    after = bars.slice(WARM_BARS + 125, WARM_BARS + 130)
    feed = Scripted(
        *live_bars(awake),
        slept,
        *live_bars(asleep, late_ns=120 * MINUTE_NS),
        *live_bars(after),
    )
    wall = Wall(int(after.open_time_ns[0]))
    played = play(tmp_path / "run", settings(("USDJPY",)), feed=feed, now_ns=wall)
    (hole,) = events_of(played, "hole")
    assert hole["from_ns"] == awake.open_time_ns[-1] + MINUTE_NS
    assert "this machine slept 120 minutes" in hole["reason"]
    decided = {row["close_ns"] for row in played.decisions}
    assert not decided & {int(t) + MINUTE_NS for t in asleep.open_time_ns}
    assert int(after.open_time_ns[-1]) + MINUTE_NS in decided
    assert len(played.bars) == WARM_BARS + 130


def test_a_dead_feed_stops_entries(tmp_path):
    bars = market("USDJPY", WARM_BARS + 5)
    stale = Stale("USDJPY", "requests", 10 * MINUTE_NS, None)
    wall = Wall(int(bars.open_time_ns[-1]) + MINUTE_NS)
    feed = Scripted(*live_bars(bars), stale)
    played = play(tmp_path / "run", settings(("USDJPY",)), feed=feed, now_ns=wall)
    (fault,) = events_of(played, "fault")
    assert fault["what"] == "feed"
    assert played.session.mode.name == "entries_stopped"
    (told,) = [e for e in events_of(played, "feed") if e["kind"] == "stale"]
    assert told["pair"] == "USDJPY"


def test_minutes_that_come_too_late_for_every_pair_show_in_the_mode(tmp_path):
    bars = market("USDJPY", WARM_BARS + 5)
    late = Scripted(*live_bars(bars.slice(0, WARM_BARS + 3), late_ns=60 * MINUTE_NS))
    in_time = Scripted(*live_bars(bars.slice(WARM_BARS + 3, WARM_BARS + 5)))
    wall = Wall(int(bars.open_time_ns[-1]) + MINUTE_NS)
    for feed in (late, in_time):
        played = play(tmp_path / "run", settings(("USDJPY",)), feed=feed, now_ns=wall)
    shown = [(e["mode"], e["mode_reason"]) for e in events_of(played, "minute")]
    assert shown[0] == ("entries_stopped", "every pair is stale")
    assert shown[-1] == ("trading", "")


def test_a_feed_that_cannot_go_on_ends_the_engine_with_a_word(tmp_path):
    feed = Scripted(*live_bars(market("USDJPY", 5)), error=FeedError("no such pair"))
    path = tmp_path / "run"
    with pytest.raises(FeedError, match="no such pair"):
        play(path, settings(("USDJPY",)), feed=feed, now_ns=Wall(MONDAY_NS))
    events = list(journal.read(path / "journal.jsonl"))
    assert events[-1]["event"] == "fault"
    assert events[-1]["reason"] == "no such pair"


def test_a_live_feed_is_asked_for_the_history_first_and_for_the_rest_later(tmp_path):
    bars = market("USDJPY", WARM_BARS + 5)
    begin_ns = int(bars.open_time_ns[WARM_BARS])
    feed = Scripted(*live_bars(bars.slice(0, WARM_BARS), late_ns=60 * MINUTE_NS))
    wall = Wall(begin_ns)
    played = play(
        tmp_path / "run", settings(("USDJPY",)), feed=feed, now_ns=wall, begin_ns=begin_ns
    )
    assert feed.first["USDJPY"].minutes > WARM_BARS
    assert played.fills == played.orders == played.decisions == []
    again = Scripted(*live_bars(bars.slice(WARM_BARS, WARM_BARS + 5)))
    wall.now_ns = begin_ns + MINUTE_NS
    played = play(tmp_path / "run", feed=again, now_ns=wall, begin_ns=wall.now_ns)
    assert again.first["USDJPY"].open_time_ns == begin_ns
    assert len(played.decisions) >= 3
    assert len(played.bars) == WARM_BARS + 5


def test_a_missing_pair_is_waited_for_no_longer_than_grace(tmp_path):
    """By the wall clock: the other pair is decided on without it."""
    paper = settings(("USDJPY", "EURJPY"), "timing.grace_ms=20")
    bars = market("USDJPY", WARM_BARS + 1)

    class Waits(Scripted):
        @asynccontextmanager
        async def subscribe(self, first):
            async def events():
                for event in self._events:
                    yield event
                await asyncio.sleep(0.3)

            yield events()

    wall = Wall(int(bars.open_time_ns[-1]) + MINUTE_NS)
    seen = []
    feed, hold = Waits(*live_bars(bars)), ScriptedPlanner([])
    played = play(tmp_path / "run", paper, hold, feed=feed, now_ns=wall, tell=seen.append)
    assert seen[-1]["pairs"]["EURJPY"]["state"] == "stale"
    assert played.decisions[-1]["close_ns"] == wall.now_ns


@pytest.mark.slow
def test_markets_do_not_depend_on_each_other(tmp_path):
    """A pair's fills are the same beside another one: exposure limits apart, they share nothing."""
    alone = play(tmp_path / "one", settings(("USDJPY",)), bars=[market("USDJPY")])
    both = play(tmp_path / "two", bars=markets(("USDJPY", "EURJPY")))
    fills = [f for f in both.fills if f["pair"] == "USDJPY"]
    drop = ("id", "order_id")
    assert [{k: v for k, v in f.items() if k not in drop} for f in fills] == [
        {k: v for k, v in f.items() if k not in drop} for f in alone.fills
    ]


def test_threads_end_with_the_session(tmp_path):
    before = threading.active_count()
    with contextlib.suppress(FeedError):
        play(tmp_path / "run", settings(("USDJPY",)), bars=[market("USDJPY", 10)])
    assert threading.active_count() == before
    assert not (tmp_path / "run" / "control.sock").exists()
