"""Which events are alerts: what happened, what is done about it, and the command that answers."""

import json
from datetime import datetime
from pathlib import Path
from typing import get_args

import pytest

from mlx_muzero.alerts.alert import Alert
from mlx_muzero.alerts.of_paper import PaperAlerts
from mlx_muzero.alerts.of_training import TrainingAlerts
from mlx_muzero.config.choices import AlertKind
from mlx_muzero.timeunits import MINUTE_NS, SECOND_NS
from mlx_muzero.untrusted.terminal_text import MARK
from mlx_muzero.watch.events import SHAPES, checked

EVERY = get_args(AlertKind)
TIME = "2026-03-02T10:31:05+00:00"


def minutes_from_now(minutes):
    """A time so many minutes after `TIME`, in nanoseconds."""
    return int(datetime.fromisoformat(TIME).timestamp() + 60 * minutes) * SECOND_NS


def event(kind, /, **facts):
    return checked(json.dumps({"event": kind, "time": TIME, **facts}).encode())


PAPER = [
    (
        event("fill", order_id=1, fill_ns=1, pair="EURJPY", units=100.0, price=160.25, fee=0.5),
        ("fill", "EURJPY: filled +100 at 160.25, fee 0.50", "status", False),
    ),
    (
        event("trade", exit_ns=1, pair="EURJPY", net=-12.5),
        ("fill", "EURJPY: a trade closed, net -12.50", "status", False),
    ),
    (
        event("order_expired", id=4, reason="no bar arrived in time"),
        ("fill", "order 4 expired: no bar arrived in time", "status", False),
    ),
    (
        event("risk", limit="max_daily_loss_frac", value=0.051, threshold=0.05, reaction="closed"),
        ("limit", "limit max_daily_loss_frac exceeded: 0.051 of 0.05", "resume", True),
    ),
    (
        event("fault", what="feed", reason="no pair has bars", reaction="entries stop"),
        ("fault", "fault in feed: no pair has bars", "status", True),
    ),
    (
        event("fault", what="engine", reason="KeyError: 1", reaction="the engine ends; ..."),
        ("fault", "fault in engine: KeyError: 1", "start --run", True),
    ),
    (
        event("command", name="halt", source="socket", consequence="nothing is traded"),
        ("stop", "commanded: halt", "resume", False),
    ),
    (
        event("command", name="resume", consequence="trading continues"),
        ("stop", "commanded: resume", "status", False),
    ),
    (
        event("paper_started", pairs=["EURJPY"], feed="oanda", resumed=True),
        ("stop", "the session goes on: 1 pair by feed oanda", "status", False),
    ),
    (
        event("feed", kind="status", pair="EURJPY", status="silent", why="no bar for 2 minutes"),
        ("feed", "EURJPY: the feed is silent: no bar for 2 minutes", "status", True),
    ),
    (
        event("feed", kind="series_stale", pair="EURJPY", series="cpi"),
        ("feed", "EURJPY: cpi is too old to be used", "status", False),
    ),
    (
        event("hole", from_ns=MINUTE_NS, to_ns=10 * MINUTE_NS, reason="this machine slept"),
        ("feed", "9 minutes missed: this machine slept", "status", False),
    ),
    (
        event("candidate_took_over", number=3, reason="candidate 3 takes over"),
        ("validation", "candidate 3 takes over", "status", False),
    ),
    (
        event("candidate_refused", number=3, reason="candidate 3 does not take over"),
        ("validation", "candidate 3 does not take over", "status", False),
    ),
    (
        event("candidate_failed", number=3, reason="candidate 3 failed: by SIGKILL"),
        ("fault", "candidate 3 failed: by SIGKILL", "status", False),
    ),
    (event("finished"), ("end", "the feed has ended", "report", False)),
    (
        event("stopped", reason="asked to stop"),
        ("end", "the session ended: asked to stop", "start --run", False),
    ),
]


@pytest.mark.parametrize(("told", "wanted"), PAPER)
def test_alerts_of_a_paper_session(told, wanted):
    kind, what, command, urgent = wanted
    alert = PaperAlerts(Path("runs/my p"), EVERY).of(told)
    assert (alert.kind, alert.what, alert.urgent) == (kind, what, urgent)
    assert alert.answer == f"mlx-muzero paper {command} 'runs/my p'"
    assert alert.effect
    assert alert.time == TIME
    others = PaperAlerts(Path("runs/p"), [name for name in EVERY if name != kind])
    assert others.of(told) is None


def test_a_restart_that_missed_no_minute_is_no_gap():
    hole = event("hole", from_ns=MINUTE_NS, to_ns=MINUTE_NS, reason="the engine was not running")
    assert PaperAlerts(Path("r"), EVERY).of(hole) is None


def test_a_command_on_one_pair_is_answered_for_that_pair():
    alert = PaperAlerts(Path("r"), EVERY).of(event("command", name="close", pair="EURJPY"))
    assert alert.answer == "mlx-muzero paper include r EURJPY"


def test_a_pair_that_is_gone_is_one_alert():
    """However often its feed meets that: every process that resumes the session does."""
    status = event("feed", kind="status", pair="EURJPY", status="lost", why="delisted")
    facts = {"what": "feed of EURJPY", "pair": "EURJPY", "reason": "delisted"}
    fault = event("fault", **facts, reaction="it is no longer traded")
    for on in (EVERY, ["feed"], ["fault"]):
        table = PaperAlerts(Path("r"), on)
        assert table.of(status) is None
        alert = table.of(fault)
        assert alert.kind == ("fault" if on == ["fault"] else "feed")
        assert alert.what == "EURJPY: the feed is lost: delisted"
        assert alert.effect == "it is no longer traded"
        assert alert.urgent
        assert table.of(status) is None
    assert PaperAlerts(Path("r"), ["fill"]).of(fault) is None


def test_a_feed_is_told_to_be_back_only_if_it_was_told_to_be_gone():
    table = PaperAlerts(Path("r"), EVERY)
    live = event("feed", kind="status", pair="EURJPY", status="live", why="last bar")
    assert table.of(live) is None
    table.of(event("feed", kind="status", pair="EURJPY", status="down", why="HTTP 500"))
    assert table.of(live).what == "EURJPY: the feed is back"
    assert table.of(live) is None


TRAINING = [
    (
        event(
            "validated",
            episodes=300,
            best=True,
            metrics={"expectancy_pips": 1.25, "win_frac": 0.5, "trades": 40},
        ),
        "validation",
        "validation after 300 episodes: +1.25 bps a trade net, 40 trades, 50% won",
    ),
    (event("finished"), "end", "the training is finished"),
    (event("stopped"), "end", "the training was stopped"),
    (event("diverged", reason="value is NaN"), "fault", "the training diverged: value is NaN"),
    (
        event("rank_lost", reason="rank 1"),
        "fault",
        "a process of the training was lost: rank 1",
    ),
    (
        event("engine_refresh_failed", reason="no disk", backend="native"),
        "fault",
        "exported programs: refresh failed: no disk",
    ),
]


@pytest.mark.parametrize(("told", "kind", "what"), TRAINING)
def test_alerts_of_a_training(told, kind, what):
    table = TrainingAlerts(Path("runs/t"), EVERY)
    assert table.of(event("started", unit="bps")) is None
    alert = table.of(told)
    assert (alert.kind, alert.what) == (kind, what)
    assert "mlx-muzero" in alert.answer
    assert "runs/t" in alert.answer


def test_the_tables_name_events_that_exist_and_every_one_is_tried():
    tried = {told["event"] for told, _ in PAPER}
    assert PaperAlerts.MAKERS.keys() == tried
    assert PaperAlerts.MAKERS.keys() <= SHAPES.keys()
    assert TrainingAlerts.MAKERS.keys() <= SHAPES.keys()


def test_what_a_venue_said_is_one_bounded_line_without_control_characters():
    said = "gone\n$ rm -rf ~\x1b[2J\N{RIGHT-TO-LEFT OVERRIDE}" + "x" * 5000
    told = event("feed", kind="status", pair="EURJPY", status="down", why=said)
    alert = PaperAlerts(Path("r"), EVERY).of(told)
    assert alert.what.startswith(f"EURJPY: the feed is down: gone $ rm -rf ~{MARK}x")
    assert "\n" not in alert.what
    assert len(alert.what) < 500


@pytest.mark.parametrize(
    ("facts", "market"),
    [
        ({"market_ns": minutes_from_now(0)}, ""),
        ({"market_ns": minutes_from_now(-14)}, ""),  # a quiet dealer's last minute
        ({"market_ns": minutes_from_now(-16)}, ", market 2026-03-02 10:15"),
        ({"market_ns": minutes_from_now(16)}, ", market 2026-03-02 10:47"),
        ({}, ""),  # a session of before
    ],
)
def test_the_markets_minute_is_told_where_it_is_another_time(facts, market):
    told = PaperAlerts(Path("p"), EVERY).of(event("finished", **facts))
    assert told.time == TIME, "by which it is given up when it is too old"
    assert told.when == f"10:31 UTC{market}"
    assert Alert.parsed(json.loads(json.dumps(told.facts()))) == told


def test_a_fill_that_is_caught_up_on_is_told_at_its_bar():
    at = {"fill_ns": minutes_from_now(-180), "market_ns": minutes_from_now(0)}
    fill = event("fill", order_id=1, pair="EURJPY", units=1.0, price=1.0, **at)
    assert PaperAlerts(Path("p"), EVERY).of(fill).when == "10:31 UTC, market 2026-03-02 07:31"


def test_an_alert_that_an_earlier_version_kept_has_no_minute():
    facts = TrainingAlerts(Path("p"), EVERY).of(event("finished", reason="done")).facts()
    del facts["market"]
    assert Alert.parsed(facts).when == "10:31 UTC"
