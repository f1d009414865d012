"""Whatever this machine's clock says, a session decides what it would with a right one."""

from functools import partial
from typing import get_args

import pytest

from examples import cases
from live_sessions import START_NS, journaled, trade
from mlx_muzero.alerts.of_paper import PaperAlerts
from mlx_muzero.config.choices import AlertKind
from mlx_muzero.errors import FeedError
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.report.parity import check_parity
from mlx_muzero.timeunits import HOUR_NS, MINUTE_NS
from mlx_muzero.venues.source import Unavailable
from paper_sessions import CONFIG, DicePlanner
from venue import later
from virtual_time import SECOND_NS

MINUTES = 8
TABLES = ("decisions", "orders", "fills", "trades", "equity", "bars")


@pytest.fixture(scope="module")
def right(tmp_path_factory):
    """The session of a machine whose clock is right."""
    played = trade(tmp_path_factory.mktemp("right") / "run", MINUTES)
    closes = {row["close_ns"] for row in played.decisions}
    assert len(closes) == MINUTES
    assert min(closes) > START_NS
    assert played.orders
    return played


def assert_same(played, right):
    for name in TABLES:
        assert getattr(played, name) == getattr(right, name), name


@pytest.mark.parametrize("ahead_s", cases(2, [600, -3600, -600, 3600]))
def test_a_wrong_clock_changes_no_decision(tmp_path, right, ahead_s):
    played = trade(tmp_path / "run", MINUTES, ahead_s * SECOND_NS)
    assert_same(played, right)
    side = "ahead of" if ahead_s > 0 else "behind"
    (said,) = played.said
    assert said == (
        f"this machine's clock is {abs(ahead_s)}.0 s {side} the venue's; the venue's is used"
    )
    minutes = journaled(played, "minute")
    assert minutes[-1]["clock_offset_ms"] == pytest.approx(-1e3 * ahead_s, abs=100)


@pytest.mark.parametrize("after_s", cases(1, [151.3, 150, 95, 149]))
@pytest.mark.parametrize("sign", [1, -1])
def test_a_clock_that_is_set_in_mid_session_changes_no_decision(tmp_path, right, sign, after_s):
    """Five times, a minute apart: every other time it was right before."""
    jumps_s = (sign * 600, -sign * 600, sign * 3600, -sign * 3600, 5)

    def prepare(clock, source):
        def jump(by_s):
            clock.wall_jump_ns += by_s * SECOND_NS

        return [
            later(clock, int((after_s + 60 * minute) * SECOND_NS), partial(jump, by_s))
            for minute, by_s in enumerate(jumps_s)
        ]

    played = trade(tmp_path / "run", MINUTES, 0, prepare)
    for name in ("decisions", "orders", "fills", "trades"):
        assert [without_times(row) for row in getattr(played, name)] == [
            without_times(row) for row in getattr(right, name)
        ], name
    jumped = journaled(played, "feed", kind="clock_jumped", whose="local")
    assert len(jumped) >= len(jumps_s)
    assert not journaled(played, "hole")


def without_times(row):
    """A bar on its way while the clock was in doubt comes a second later."""
    return {key: value for key, value in row.items() if key != "sent_ns"}


def test_a_live_session_with_a_wrong_clock_replays_exactly(tmp_path, right):
    played = trade(tmp_path / "run", MINUTES, -600 * SECOND_NS)
    for session in (right, played):
        folder = session.folder
        with PaperStore(folder.store_path, read_only=True) as store:
            found = check_parity(store, folder.settings(), CONFIG, DicePlanner())
        assert found.exact, [part.first for part in found.parts.values()]
        assert found.decisions.recorded == len(session.decisions)


def test_a_machine_that_slept_trades_on_no_bar_of_that_time(tmp_path):
    def prepare(clock, source):
        def sleep():
            clock.wall_jump_ns = source.venue.ahead_ns = 2 * HOUR_NS

        return later(clock, 200 * SECOND_NS, sleep)

    played = trade(tmp_path / "run", MINUTES, 0, prepare)
    slept_ns, woke_ns = START_NS + 200 * SECOND_NS, START_NS + 200 * SECOND_NS + 2 * HOUR_NS
    decided = {row["close_ns"] for row in played.decisions}
    assert not [t for t in decided if slept_ns < t <= woke_ns]
    assert max(decided) > woke_ns
    (hole,) = journaled(played, "hole")
    assert hole["reason"].startswith("this machine slept 120 minutes")
    opens = [row["open_time_ns"] for row in played.bars if row["pair"] == "USDJPY"]
    assert opens == list(range(opens[0], opens[-1] + MINUTE_NS, MINUTE_NS))


def test_a_venue_without_a_clock_has_this_machines_trusted_and_says_so(tmp_path, right):
    def prepare(clock, source):
        source.times = False

    played = trade(tmp_path / "run", MINUTES, 0, prepare)
    assert journaled(played, "feed", kind="clock_trusted")
    assert played.said == ["the venue reports no time: this machine's clock is used; keep it right"]
    assert [row["close_ns"] for row in played.decisions] == [
        row["close_ns"] for row in right.decisions
    ]


@pytest.mark.parametrize("ahead_s", [0, 3600])
def test_when_all_pairs_are_stale_the_mode_says_so_until_bars_come(tmp_path, ahead_s):
    def prepare(clock, source):
        def stop():
            source.venue.stopped_ns = source.venue.now_ns()

        def go_on():
            source.venue.stopped_ns = None

        return later(clock, 150 * SECOND_NS, stop), later(clock, 1000 * SECOND_NS, go_on)

    played = trade(tmp_path / "run", 20, ahead_s * SECOND_NS, prepare)
    (fault,) = journaled(played, "fault")
    assert (fault["mode"], fault["reason"]) == ("entries_stopped", "no pair has bars")
    assert "every pair is stale" in fault["mode_reason"]
    statuses = [e["status"] for e in journaled(played, "feed", kind="status", pair="USDJPY")]
    assert statuses == ["backfilling", "live", "silent", "backfilling", "live"]
    last = journaled(played, "minute")[-1]
    assert last["pairs"]["USDJPY"]["feed"] == "live"
    assert "every pair is stale" not in last["mode_reason"]


def test_a_delisted_pair_stops_alone_and_survives_a_restart(tmp_path):
    path = tmp_path / "run"

    def prepare(clock, source):
        return later(clock, 150 * SECOND_NS, lambda: source.gone.add("EURJPY"))

    played = trade(path, 6, 0, prepare)
    (fault,) = journaled(played, "fault")
    assert (fault["what"], fault["pair"]) == ("feed of EURJPY", "EURJPY")
    assert played.said == [
        "fault: feed of EURJPY: EURJPY is not available: delisted; it is no longer traded; any "
        "position stays at its last price, and the other pairs continue"
    ]
    decided = [row["close_ns"] for row in played.decisions if row["pair"] == "USDJPY"]
    assert len(decided) == 6
    assert played.equity[-1]["mode"] == "trading"
    last = journaled(played, "minute")[-1]["pairs"]
    assert (last["EURJPY"]["feed"], last["EURJPY"]["state"]) == ("lost", "stale")
    assert "delisted" in last["EURJPY"]["why"]
    again = trade(path, 3, 0, lambda clock, source: source.gone.add("EURJPY"))
    assert again.equity[-1]["mode"] == "trading"
    assert len(journaled(again, "fault")) == 1, "it is no news to a session that resumes"
    assert again.said == ["EURJPY: still not traded: EURJPY is not available: delisted"]
    assert len(journaled(again, "feed", kind="status", status="lost")) == 2
    table = PaperAlerts(path, get_args(AlertKind))
    told = [alert for event in again.events if (alert := table.of(event)) is not None]
    (alert,) = [alert for alert in told if "delisted" in alert.what]
    assert alert.what == "EURJPY: the feed is lost: EURJPY is not available: delisted"


@pytest.mark.slow
def test_a_pair_that_is_listed_again_is_traded_and_news_when_it_goes(tmp_path):
    path = tmp_path / "run"

    def delist(clock, source):
        return later(clock, 150 * SECOND_NS, lambda: source.gone.add("EURJPY"))

    trade(path, 6, 0, delist)
    back = trade(path, 4, start_ns=START_NS + 7 * MINUTE_NS)
    assert "EURJPY" in {row["pair"] for row in back.decisions[-2:]}
    gone = trade(path, 6, 0, delist, start_ns=START_NS + 12 * MINUTE_NS)
    assert len(journaled(gone, "fault")) == 2


def test_a_pair_that_never_was_there_ends_a_new_session(tmp_path):
    with pytest.raises(FeedError, match="EURJPY is not available"):
        trade(tmp_path / "run", 3, 0, lambda clock, source: source.gone.add("EURJPY"))


def test_the_first_failure_is_said_with_when_it_is_tried_again(tmp_path):
    def prepare(clock, source):
        def fail():
            raise Unavailable("HTTP 503")

        def work():
            source.fail = lambda: None

        source.fail = fail
        return later(clock, 100 * SECOND_NS, work)

    played = trade(tmp_path / "run", 5, 0, prepare)
    first, last = played.said
    assert (
        first == "no answer for USDJPY (requests): HTTP 503; retrying in 1 s, then until it answers"
    )
    assert last.startswith("the venue answers again after ")
    down = journaled(played, "feed", kind="status", pair="USDJPY", status="down")
    assert down[0]["why"] == "HTTP 503; retrying in 1 s"
