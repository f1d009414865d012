"""What a paper session's journal says of it, event by event."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from mlx_muzero.watch.paper_state import PaperState
from mlx_muzero.watch.run import WatchedRun
from paper_journals import MINUTE_NS, START_NS, Session


def test_paper_state_is_that_of_the_last_minute(tmp_path):
    session = Session(tmp_path / "paper")
    for _ in range(30):
        session.minute()
    session.note("order_expired", id=session.orders, reason="no volume")
    session.note("feed", pair="BTC/USDT", kind="stale")
    session.note("risk", limit="drawdown", value=0.1, threshold=0.1, reaction="flatten")
    watched = WatchedRun(tmp_path / "paper", session.clock)
    watched.poll()
    state = watched.state
    assert state.minute["close_ns"] == START_NS + 29 * MINUTE_NS
    assert len(state.prices["BTC/USDT"]) == 30
    assert len(state.equity) == 30
    assert session.orders not in state.orders
    assert all(order["pair"] == "XRP/USDT" for order in state.orders.values()), "never filled ones"
    assert state.feed["BTC/USDT"]["kind"] == "stale"
    assert state.notices[-1]["limit"] == "drawdown"
    assert json.dumps(state.as_dict())


def test_what_each_pairs_feed_does_is_known_until_the_next_start():
    state = PaperState()

    def feed(pair, status):
        state.apply({"event": "feed", "kind": "status", "pair": pair, "status": status, "why": ""})

    state.apply({"event": "paper_started", "feed": "oanda", "pairs": ["USDJPY", "EURJPY"]})
    state.apply({"event": "feed", "kind": "stale", "pair": "USDJPY"})
    assert state.ill_feeds == {"USDJPY": "stale"}
    feed("USDJPY", "live")
    assert state.ill_feeds == {}
    feed("EURJPY", "lost")
    assert state.ill_feeds == {"EURJPY": "lost"}
    assert state.as_dict()["feed_status"]["USDJPY"]["status"] == "live"
    state.apply({"event": "paper_started", "feed": "oanda", "pairs": ["USDJPY", "EURJPY"]})
    assert state.feed_status == {}


def test_a_fault_that_comes_without_a_minute_shows_in_the_mode():
    state = PaperState()
    row = {"close_ns": 60 * 10**9, "equity": 1.0, "drawdown_frac": 0.0, "pairs": {}}
    state.apply({"event": "minute", "mode": "trading", **row})
    state.apply({"event": "fault", "what": "feed", "mode": "entries_stopped", "mode_reason": "x"})
    assert (state.mode, state.minute["mode_reason"]) == ("entries_stopped", "x")


def test_the_age_of_a_bar_is_by_the_venues_clock():
    state = PaperState()
    state.apply({"event": "paper_started", "feed": "oanda"})
    state.apply({"event": "feed", "kind": "clock_offset", "offset_ns": 600 * 10**9})
    assert state.age_s(1_000_000 * 10**9, datetime.fromtimestamp(999_405, UTC)) == 5.0


def test_what_plays_in_the_place_of_another_is_told():
    state = PaperState()
    minute = {"event": "minute", "close_ns": 1, "equity": 1.0, "drawdown_frac": 0.0, "pairs": {}}
    for wanted, plays, told in (
        ("coreml", "native", "native"), ("native", "native", ""), ("auto", "mlx", ""),
        (None, "mlx", ""), ("coreml", None, ""),
    ):  # fmt: skip
        state.apply({"event": "paper_started", "backend_wanted": wanted})
        state.apply(minute | {"backend": plays})
        assert state.substitute == told
        assert state.as_dict()["substitute"] == told


@pytest.mark.parametrize(("feed", "aged_s"), [("replay", 65.0), ("ccxt:kraken", 86_465.0)])
def test_the_age_of_a_bar_is_told_in_the_time_of_its_feed(feed, aged_s):
    """The bar closed a minute before the minute that was decided five seconds ago."""
    state, decided = PaperState(), datetime(2026, 1, 5, 12, tzinfo=UTC)
    close_ns = int(decided.timestamp() - 86_400) * 10**9
    state.apply({"event": "paper_started", "feed": feed})
    facts = {"close_ns": close_ns, "equity": 1.0, "drawdown_frac": 0.0, "pairs": {}}
    state.apply({"event": "minute", "time": decided.isoformat(), **facts})
    assert state.age_s(close_ns - 60 * 10**9, decided + timedelta(seconds=5)) == aged_s
    assert state.age_s(None, decided) is None


def test_it_knows_what_plays_and_what_became_of_candidates():
    state = PaperState()
    state.apply({"event": "paper_started", "feed": "oanda", "pairs": ["USDJPY"]})
    facts = {"equity": 1.0, "drawdown_frac": 0.0, "pairs": {}}
    state.apply({"event": "minute", "close_ns": 60, **facts})
    assert (state.model, state.retraining) == ("", "")
    due = {"next_ns": 1_772_000_000 * 10**9}
    minute = {"event": "minute", "close_ns": 120, "model": "ab12", **facts}
    state.apply({**minute, "retraining": {**due, "candidate": 2}})
    told = "candidate 2 is being made; the next is due 2026-02-25 06:13 UTC; last: "
    assert state.retraining == f"{told}none was judged yet"
    state.apply({"event": "candidate_refused", "number": 2, "reason": "not better", **due})
    state.apply({**minute, "retraining": {**due, "candidate": None}})
    assert state.retraining == "the next is due 2026-02-25 06:13 UTC; last: not better"
    assert state.money["model"] == "ab12"
    assert state.money["last_candidate"]["reason"] == "not better"
    assert state.notices[-1]["event"] == "candidate_refused"
