"""Bars of a pair that come behind those of the others."""

from dataclasses import replace
from itertools import cycle
from types import SimpleNamespace

import pytest

from markets import MINUTE_NS
from mlx_muzero.paper.feeds.events import LiveBar
from mlx_muzero.paper.minute import Minute
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.report.parity import check_parity
from mlx_muzero.paper.session_setup import make_session
from mlx_muzero.timeunits import DAY_NS
from paper_sessions import CONFIG, WARM_BARS, DicePlanner, markets, settings

PAIRS = ("USDJPY", "EURJPY")
MIDNIGHT = WARM_BARS + 30
"""Number of the bar that opens at a UTC day's beginning."""


def bars_across_midnight():
    """Of each pair."""
    bars = markets(PAIRS, WARM_BARS + 60)
    later_ns = -int(bars[0].open_time_ns[MIDNIGHT]) % DAY_NS
    moved = [replace(of, open_time_ns=of.open_time_ns + later_ns) for of in bars]
    return {of.symbol: [live(of, row) for row in range(len(of))] for of in moved}


def live(bars, row):
    opens = int(bars.open_time_ns[row])
    prices = (float(getattr(bars, name)[row]) for name in ("open", "high", "low", "close"))
    return LiveBar(bars.symbol, opens, *prices, 1.0, None, opens + MINUTE_NS)


def step(session, fresh, **bars):
    """What a minute with these bars changes."""
    close_ns = max(of[-1].close_time_ns for of in bars.values())
    transaction, _ = session.step(Minute(close_ns, bars, fresh), lambda: close_ns, 0.0)
    return transaction


@pytest.fixture
def session():
    return make_session(settings(PAIRS), CONFIG, DicePlanner(), 0)


def test_a_backlog_of_yesterday_marks_no_minute_of_yesterday(session):
    """Else the day would begin anew twice, and what was lost in it be forgotten."""
    bars, marked = bars_across_midnight(), []
    late, last = MIDNIGHT - 10, MIDNIGHT + 10
    for row in range(late):
        marked.append(step(session, PAIRS, **{pair: [bars[pair][row]] for pair in PAIRS}))
    for row in range(late, last):
        marked.append(step(session, ("USDJPY",), USDJPY=[bars["USDJPY"][row]]))
    began_with, now_ns = session.losses.day_start_equity, session.last_close_ns
    assert session.equity != began_with

    marked.append(step(session, (), EURJPY=bars["EURJPY"][late : MIDNIGHT - 1]))
    assert session.last_close_ns == now_ns
    assert session.losses.day_start_equity == began_with
    assert session.mode.name == "trading", "the other pair is in time"
    marked.append(step(session, PAIRS, **{pair: [bars[pair][last]] for pair in PAIRS}))
    assert session.losses.day_start_equity == began_with
    closes = [row["close_ns"] for one in marked for row in one.rows["equity"]]
    assert closes == sorted(closes)
    told = [facts["close_ns"] for one in marked for name, facts in one.events if name == "minute"]
    assert told == closes


def test_a_pair_that_was_in_time_stays_so_in_what_more_is_told_of_its_minute(session):
    """Which a backlog of another pair brings, or a bar that came late but in time."""
    bars = bars_across_midnight()

    def states(fresh, **of):
        (told,) = (facts for name, facts in step(session, fresh, **of).events if name == "minute")
        return {pair: (row["state"], row["why"]) for pair, row in told["pairs"].items()}

    for row in range(MIDNIGHT):
        step(session, PAIRS, **{pair: [bars[pair][row]] for pair in PAIRS})
    first = states(("USDJPY",), USDJPY=[bars["USDJPY"][MIDNIGHT]])
    assert (first["USDJPY"][0], first["EURJPY"][0]) == ("trading", "stale")
    both = states(("EURJPY",), EURJPY=[bars["EURJPY"][MIDNIGHT]])
    assert {state for state, _ in both.values()} == {"trading"}
    states(("USDJPY",), USDJPY=[bars["USDJPY"][MIDNIGHT + 1]])
    states(("USDJPY",), USDJPY=[bars["USDJPY"][MIDNIGHT + 2]])
    backlog = states((), EURJPY=[bars["EURJPY"][MIDNIGHT + 1]])
    assert (backlog["USDJPY"][0], backlog["EURJPY"][0]) == ("trading", "stale")
    assert "no bar since" in backlog["EURJPY"][1]
    later = states(("EURJPY",), EURJPY=[bars["EURJPY"][MIDNIGHT + 3]])
    assert "no bar since" in later["USDJPY"][1]


@pytest.mark.slow
def test_pairs_decided_on_apart_in_one_minute_are_repeated_apart(session, tmp_path, monkeypatch):
    """The second came late but in time: fewer simulations, one decision and one fill for each."""
    simulations = cycle([8, 4])
    budget = SimpleNamespace(
        known=True, choose=lambda _spent: next(simulations), measured=lambda *_: None
    )
    monkeypatch.setattr(session.search, "_budget", budget)
    bars = bars_across_midnight()
    with PaperStore(tmp_path / "store.duckdb") as store:
        store.begin({"session": session.state(), "event": 0})
        seq = 0
        for row in range(WARM_BARS + 50):
            for pair in PAIRS:
                seq += 1
                transaction = step(session, (pair,), **{pair: [bars[pair][row]]})
                store.commit(seq, transaction, {"session": session.state(), "event": 0})
        found = check_parity(store, settings(PAIRS), CONFIG, DicePlanner())
        decided = [(row["close_ns"], row["pair"]) for row in store.table("decisions")]
        orders = [row["order_id"] for row in store.table("fills")]
    assert found.exact, [part.first for part in found.parts.values()]
    assert len(set(decided)) == len(decided) > 50
    assert len(set(orders)) == len(orders) > 10
