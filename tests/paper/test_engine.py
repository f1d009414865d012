"""The engine on replayed and faked feeds: what is traded, what is not, and what it says."""

import time
from dataclasses import replace

import numpy as np
import pytest

from markets import MINUTE_NS
from mlx_muzero.errors import RunError
from mlx_muzero.runlog import decision_log
from paper_sessions import (
    CONFIG,
    OUTCOMES,
    TABLE,
    WARM_BARS,
    Commanding,
    DicePlanner,
    ScriptedPlanner,
    events_of,
    market,
    play,
    settings,
)


def test_observations_are_those_of_the_batch_path(tmp_path):
    from mlx_muzero.market.dataset import MarketDataset

    bars = market("USDJPY")
    played = play(tmp_path / "run", settings(("USDJPY",)), ScriptedPlanner([]), bars=[bars])
    dataset = MarketDataset.from_bars(bars, replace(CONFIG.market, symbol="USDJPY"))
    asked = played.planner.asked
    rows = np.arange(len(bars) - len(asked), len(bars))
    seen = np.concatenate([observation for observation, _, _ in asked])
    np.testing.assert_array_equal(seen[:, :, :9], dataset.windows(rows))
    assert len(bars) - len(asked) == WARM_BARS - 1


def test_an_order_fills_at_the_next_open_with_slippage(tmp_path):
    bars = market("USDJPY")
    paper = settings(("USDJPY",), "fills.slippage_pips=1.5", "fills.half_spread_pips=1")
    played = play(tmp_path / "run", paper, ScriptedPlanner(["BUY", "HOLD", "CLOSE"]), bars=[bars])
    first = WARM_BARS - 1  # the first bar that is decided on
    buy, sell = played.fills
    assert buy["fill_ns"] == bars.open_time_ns[first + 1]
    assert buy["price"] == pytest.approx(bars.open[first + 1] + 0.015)
    assert sell["price"] == pytest.approx(bars.open[first + 3] + -0.015)
    units = paper.account.notional / bars.open[first]
    assert buy["units"] == pytest.approx(units)
    assert buy["fee"] == pytest.approx(units * 2 * 1.0 * 0.01)
    assert sell["fee"] == 0.0  # a round trip is charged on entry
    (trade,) = played.trades
    assert trade["net"] == pytest.approx(units * (sell["price"] - buy["price"]) - buy["fee"])
    assert trade["exit_ns"] - trade["entry_ns"] == 2 * MINUTE_NS


def test_slow_orders_fill_a_bar_later(tmp_path):
    bars = market("USDJPY")
    paper = settings(("USDJPY",), "fills.latency_ms=30000")
    played = play(tmp_path / "run", paper, ScriptedPlanner(["BUY"]), bars=[bars])
    (fill,) = played.fills
    assert fill["fill_ns"] == bars.open_time_ns[WARM_BARS + 1]
    minutes = [e["pairs"]["USDJPY"] for e in events_of(played, "minute")]
    waiting = [pair for pair in minutes if pair["why"] and "still pending" in pair["why"]]
    assert len(waiting) == 1
    assert "action" not in waiting[0]


def test_an_order_no_bar_comes_for_expires(tmp_path):
    bars = market("USDJPY")
    kept = np.ones(len(bars), bool)
    kept[WARM_BARS : WARM_BARS + 20] = False
    holed = replace(
        bars,
        **{
            name: getattr(bars, name)[kept]
            for name in ("open_time_ns", "open", "high", "low", "close", "volume")
        },
    )
    played = play(tmp_path / "run", settings(("USDJPY",)), ScriptedPlanner(["BUY"]), bars=[holed])
    assert played.fills == []
    (end,) = played.order_ends
    assert end["end"] == "order_expired"
    after = [e["pairs"]["USDJPY"] for e in events_of(played, "minute")][1]
    assert after["state"] == "warming"
    assert "hole of 21 minutes" in after["why"]


@pytest.mark.slow
def test_pairs_without_a_bar_or_history_say_why(tmp_path):
    late = market("EURJPY").slice(WARM_BARS + 10, WARM_BARS + 60)
    played = play(tmp_path / "run", bars=[market("USDJPY"), late], begin_ns=0)
    minutes = [e["pairs"] for e in events_of(played, "minute")]
    assert minutes[0]["USDJPY"]["state"] == "warming"
    assert "needs at least 123" in minutes[0]["USDJPY"]["why"]
    assert minutes[WARM_BARS]["USDJPY"]["state"] == "trading"
    assert minutes[WARM_BARS]["EURJPY"] == minutes[WARM_BARS]["EURJPY"] | {
        "state": "stale",
        "why": "no bar yet",
    }
    assert minutes[-1]["EURJPY"]["state"] == "warming"
    assert {row["pair"] for row in played.decisions} == {"USDJPY"}


def test_journal_and_decision_log_hold_what_watchers_need(tmp_path):
    played = play(tmp_path / "run")
    events = events_of(played)
    assert events[0]["event"] == "paper_started"
    assert events[0] == events[0] | {
        "pairs": ["USDJPY", "EURJPY"],
        "actions": list(TABLE.action_names),
        "feed": "replay",
        "simulations": 8,
        "resumed": False,
    }
    assert events[-1]["event"] == "finished"
    minute = events_of(played, "minute")[-1]
    assert set(minute["latency_ms"]) == {"observe", "search", "orders", "total"}
    assert minute["equity"] == pytest.approx(minute["cash"] + minute["unrealized"])
    (day,) = decision_log.days(played.folder.decisions_path)
    entries, _ = decision_log.index(day)
    assert len(entries) == len(played.decisions)
    assert decision_log.read(entries[-1]).action_names == list(TABLE.action_names)


def test_a_minute_tells_what_the_model_expects_after_the_action_chosen(tmp_path):
    """As the decision's record does; nothing where the search never expanded the action."""
    played = play(tmp_path / "run")
    (day,) = decision_log.days(played.folder.decisions_path)
    records = map(decision_log.read, decision_log.index(day)[0])
    expected = {(r.close_ns, r.pair): r.outcomes[r.action] for r in records}
    told = {
        (minute["close_ns"], pair): facts.get("outcomes")
        for minute in events_of(played, "minute")
        for pair, facts in minute["pairs"].items()
        if "action" in facts
    }
    assert told == expected
    assert OUTCOMES in told.values()
    assert None in told.values()


def test_a_fault_in_planning_stops_entries_and_the_session_goes_on(tmp_path):
    class Fails(ScriptedPlanner):
        calls = 0

        def plan(self, *arguments):
            self.calls += 1
            if self.calls == 5:  # the third decision: two more measure speed
                raise RuntimeError("no such device")
            return super().plan(*arguments)

    paper = settings(("USDJPY",), "risk.cooldown_minutes=5")
    script = Fails(["BUY", "HOLD", "CLOSE", "BUY", "BUY", "BUY", "BUY", "BUY"])
    played = play(tmp_path / "run", paper, script, bars=[market("USDJPY")])
    (fault,) = events_of(played, "fault")
    assert fault["what"] == "planning"
    assert "RuntimeError: no such device" in fault["reason"]
    limited = [row["limited_by"] for row in played.decisions]
    assert limited[3:6] == ["entries_stopped"] * 3
    assert [fill["exposure"] for fill in played.fills] == [1.0, 0.0, 1.0]


def test_a_slow_evaluator_gets_fewer_simulations_and_no_minute_is_missed(tmp_path):
    class Slow(DicePlanner):
        def plan(self, observation, position, seed, simulations, moment):
            time.sleep(simulations * 0.004)
            return super().plan(observation, position, seed, simulations, moment)

    paper = settings(("USDJPY",), "session.simulations=64", "timing.deadline_ms=100")
    bars = market("USDJPY", WARM_BARS + 5)
    played = play(tmp_path / "run", paper, Slow(), bars=[bars])
    assert len(played.decisions) == 6
    simulations = [row["simulations"] for row in played.decisions]
    assert all(2 <= n <= 16 for n in simulations), simulations
    told = [e["simulations"] for e in events_of(played, "minute") if e["simulations"]]
    assert told == simulations


def test_an_evaluator_that_was_replaced_stops_entries(tmp_path):
    class Lost(DicePlanner):
        told = False

        def troubles(self):
            told, self.told = self.told, True
            return [] if told else ["engine lost: gone; continuing with native"]

    played = play(tmp_path / "run", settings(("USDJPY",)), Lost(), bars=[market("USDJPY")])
    (fault,) = events_of(played, "fault")
    assert fault["what"] == "evaluator"
    assert "entries_stopped" in {row["mode"] for row in played.equity}


def test_an_evaluator_that_was_lost_while_it_was_loaded_is_told_before_any_bar(tmp_path):
    class Lost(DicePlanner):
        def troubles(self):
            return ["engine lost: no such device; continuing with native"]

    bars = [market("USDJPY", WARM_BARS)]
    play(tmp_path / "run", settings(("USDJPY",)), bars=bars)
    played = play(tmp_path / "run", planner=Lost(), bars=bars)
    told = [event["event"] for event in events_of(played)]
    assert told[-3:] == ["paper_started", "fault", "finished"]


def test_a_passed_limit_closes_everything_and_says_so(tmp_path):
    paper = settings(("USDJPY",), "risk.max_drawdown_frac=0.00001")
    played = play(tmp_path / "run", paper, ScriptedPlanner(["BUY"]), bars=[market("USDJPY")])
    (risk,) = events_of(played, "risk")
    assert risk["limit"] == "max_drawdown_frac"
    assert risk["value"] > risk["threshold"]
    assert [fill["exposure"] for fill in played.fills] == [1.0, 0.0]
    assert played.equity[-1]["mode"] == "entries_stopped"


@pytest.mark.parametrize(
    ("command", "modes", "exposure"),
    [
        ("stop-entries", {"trading", "entries_stopped"}, 1.0),
        ("flatten", {"trading", "flattening", "entries_stopped"}, 0.0),
        ("halt", {"trading", "halted"}, 1.0),
    ],
)
def test_commands_do_what_they_answer(tmp_path, command, modes, exposure):
    path, bars = tmp_path / "run", [market("USDJPY", WARM_BARS + 30)]
    feed = Commanding(bars, path, {WARM_BARS + 10: command})
    played = play(path, settings(("USDJPY",)), ScriptedPlanner(["BUY"]), feed=feed)
    assert {row["mode"] for row in played.equity} == modes
    assert played.fills[-1]["exposure"] == exposure
    (told,) = events_of(played, "command")
    assert told["name"] == command
    assert feed.answers == [told["consequence"]]


def test_resume_lifts_a_halt(tmp_path):
    path, bars = tmp_path / "run", [market("USDJPY", WARM_BARS + 30)]
    feed = Commanding(bars, path, {WARM_BARS + 2: "halt", WARM_BARS + 12: "resume"})
    played = play(path, settings(("USDJPY",)), DicePlanner(), feed=feed)
    modes = [row["mode"] for row in played.equity]
    assert "halted" in modes
    assert modes[-1] == "trading"


@pytest.mark.parametrize("key", ["balance", "notional"])
def test_money_that_is_edited_into_a_session_is_refused(tmp_path, key):
    path, bars = tmp_path / "run", market("USDJPY", WARM_BARS + 4)
    begun = settings(("USDJPY",))
    play(path, begun, bars=[bars.slice(0, WARM_BARS + 2)])
    edited = replace(begun, account=replace(begun.account, **{key: 2.0e4}))
    money = getattr(begun.account, key)
    with pytest.raises(RunError, match=rf"account\.{key} is 20000, .* began with {money:g}"):
        play(path, edited, bars=[bars])


@pytest.mark.slow
def test_a_mode_outlives_its_process(tmp_path):
    path, bars = tmp_path / "run", market("USDJPY", WARM_BARS + 30)
    half = [bars.slice(0, WARM_BARS + 10)]
    play(path, settings(("USDJPY",)), feed=Commanding(half, path, {WARM_BARS: "stop-entries"}))
    played = play(path, bars=[bars])
    assert played.equity[-1]["mode"] == "entries_stopped"
    assert [e["resumed"] for e in events_of(played, "paper_started")] == [False, True]
    (hole,) = events_of(played, "hole")
    assert hole["from_ns"] == hole["to_ns"] == half[0].open_time_ns[-1] + MINUTE_NS
