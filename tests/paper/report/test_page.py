"""The page of a paper session shows what its store and its decision log hold."""

import numpy as np
import pytest

from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.report.cost_curve import SHARES
from mlx_muzero.paper.report.page import ShownSession, session_page
from mlx_muzero.paper.report.recorded_forecast import recorded_forecast
from mlx_muzero.paper.report.session_report import report_session
from mlx_muzero.runlog.look import Look, LookedBars
from mlx_muzero.timeunits import MINUTE_NS
from pages import contents_of
from paper_sessions import (
    CONFIG,
    OUTCOMES,
    WARM_BARS,
    ScriptedPlanner,
    markets,
    play,
    settings,
)

LOOKS = [Look("trained", LookedBars(("USDJPY",), 0, MINUTE_NS, ""), name, name) for name in "abc"]
TURNS = ["BUY", "HOLD", "CLOSE", "SELL", "HOLD", "HOLD", "CLOSE", "BUY"]


@pytest.fixture
def played(tmp_path):
    """A session that turns a few times, and ends long."""
    return play(tmp_path / "session", settings(), ScriptedPlanner(TURNS))


def parts_of(played):
    """What the session's report is made of."""
    parts = []
    folder = PaperFolder(played.folder.path)
    with PaperStore(folder.store_path, read_only=True) as store:
        report_session(folder, store, folder.settings(), CONFIG, tried=3, played=parts.append)
    return parts[0]


def page_of(played):
    parts = []
    folder = PaperFolder(played.folder.path)
    with PaperStore(folder.store_path, read_only=True) as store:
        paper = folder.settings()
        report = report_session(folder, store, paper, CONFIG, tried=3, played=parts.append)
        shown = ShownSession(folder, store, paper, CONFIG, LOOKS, report, *parts)
        return session_page(shown, "mlx-muzero paper report session"), report


def test_trades_fills_and_money_are_those_of_the_store(played):
    page, report = page_of(played)
    closed = page.trades.ending != 2
    assert closed.sum() == len(played.trades)
    assert (~closed).sum() == 2, "each pair ends long"
    net = (page.trades.gross - page.trades.cost).sum()
    assert net == pytest.approx(report.metrics.net_pips)
    assert page.courses[0].equity[-1] == pytest.approx(report.metrics.net_pips)
    assert {course.name for course in page.courses} == {"the agent", *report.baselines}
    (pairs,) = (table for table in page.tables if table.title == "By pair")
    assert [row[0] for row in pairs.rows] == ["USDJPY", "EURJPY"]
    assert sum(row[1] for row in pairs.rows) == report.metrics.trades, "round trips"
    assert sum(row[4] for row in pairs.rows) == pytest.approx(report.metrics.net_pips)
    (luck,) = (table for table in page.tables if table.title == "Luck or skill")
    assert luck.rows[0] == ("days", "a single day tells nothing")
    first = min(played.trades, key=lambda row: row["entry_ns"])
    assert page.trades.entry_ns[0] == first["entry_ns"]
    assert page.verdict.looked == "3 configurations tried to make its model."
    assert page.tables[-1].title == "What was tried"
    assert [row[5] for row in page.tables[-1].rows] == ["a", "b", "c"]
    assert contents_of(page)["title"] == "session: paper session, USDJPY, EURJPY"


def test_every_fill_has_the_decision_recorded_for_it(played):
    page, _ = page_of(played)
    decisions, trades = page.decisions, page.trades
    assert len(decisions) == len(played.fills)
    assert (trades.entry_decision >= 0).all()
    entered = decisions.bar_ns[trades.entry_decision] + MINUTE_NS
    (
        np.testing.assert_array_equal(entered, trades.entry_ns),
        "decided at a close, filled at the open",
    )
    names = np.array(decisions.action_names)
    side = np.where(trades.exposure > 0.0, "BUY", "SELL")
    assert names[decisions.taken[trades.entry_decision]].tolist() == side.tolist()
    left = trades.exit_decision[trades.ending == 0]
    assert set(names[decisions.taken[left]]) == {"CLOSE"}
    assert decisions.share.sum(axis=1) == pytest.approx(1.0)
    expanded = decisions.taken % 3 != 2
    np.testing.assert_allclose(decisions.chances[expanded], [OUTCOMES] * expanded.sum())
    assert len(decisions.trees) == len(decisions)
    assert decisions.note.endswith("nodes at most.")


class FarPlanner(ScriptedPlanner):
    """Its trees go on with HOLD after every outcome, and are two bars deep."""

    def tree(self, root, simulations):
        near = super().tree(root, simulations)
        leaves = np.flatnonzero(np.isfinite(near["probability"]))
        count, first = len(leaves), len(near["node"])
        far = {name: np.full(4 * count, column[0]) for name, column in near.items()} | {
            "parent": np.r_[leaves, np.repeat(first + np.arange(count), 3)],
            "kind": np.repeat([1, 0], [count, 3 * count]),
            "action_or_outcome": np.r_[np.zeros(count, np.int64), np.tile([0, 1, 2], count)],
            "probability": np.r_[np.full(count, np.nan), np.tile(OUTCOMES, count)],
        }
        return {name: np.r_[column, far[name]] for name, column in near.items()}


@pytest.mark.slow
def test_the_cone_of_a_recorded_tree_tells_what_came_of_each_of_its_bars(tmp_path):
    played = play(tmp_path / "session", settings(), FarPlanner(TURNS))
    page, _ = page_of(played)
    decisions = page.decisions
    cones = contents_of(page)["decisions"]["cones"]
    ends = np.cumsum(cones["length"])
    assert set(cones["length"]) == {0, 2}, "none where the action was never expanded"
    for place, tree in decisions.trees.items():
        candles = page.candles[decisions.market[place]]
        bar = np.searchsorted(candles.time_ns, decisions.bar_ns[place])
        ahead = candles.close[bar + 1 : bar + 17] - candles.close[bar]
        np.testing.assert_allclose(tree.moves, ahead / 0.01)
        assert decisions.moved[place] == pytest.approx(tree.moves[0])
        shown = cones["came"][ends[place] - cones["length"][place] : ends[place]]
        np.testing.assert_allclose(shown, tree.moves[: len(shown)], rtol=1e-6)


def test_what_has_not_come_yet_is_not_known(tmp_path):
    bars = markets(("USDJPY", "EURJPY"), WARM_BARS + len(TURNS))
    page, _ = page_of(play(tmp_path / "session", settings(), FarPlanner(TURNS), bars))
    cones = contents_of(page)["decisions"]["cones"]
    last = np.flatnonzero(page.decisions.bar_ns == page.decisions.bar_ns.max())
    ends = np.cumsum(cones["length"])[last]
    assert np.isfinite(page.decisions.moved[last]).all()
    np.testing.assert_allclose(cones["came"][ends - 2], page.decisions.moved[last])
    assert np.isnan(cones["came"][ends - 1]).all()


def test_decisions_without_a_record_keep_what_the_store_knows(played):
    for day in played.folder.decisions_path.iterdir():
        day.unlink()
    page, _ = page_of(played)
    assert f"{len(played.fills)} of {len(played.fills)} decisions have no record" in (
        page.decisions.note
    )
    assert page.decisions.trees == {}
    assert page.decisions.share.sum(axis=1) == pytest.approx(1.0)
    assert np.isnan(page.decisions.prior).all()
    assert contents_of(page)["decisions"]["commands"] == [f"mlx-muzero tui {played.folder.path}"]


def test_the_cost_curve_is_of_the_trades_and_their_costs(played):
    page, report = page_of(played)
    (costs,) = [plot for plot in page.plots if plot.title == "Cost curve"]
    agent = {name: cell for name, *cell in costs.of.rows}["the agent"][:-1]
    days = report.metrics.net_pips / report.metrics.net_pips_per_session
    assert costs.marked_x == (1.0, "as paid")
    paid, at_once = agent[SHARES.index(1.0)], agent[0]
    assert paid == pytest.approx(report.metrics.net_pips_per_session)
    assert (at_once - paid) * days == pytest.approx(report.metrics.cost_pips)
    assert np.diff(agent) == pytest.approx(np.diff(agent)[0]), "linear in the costs"


def test_calibration_holds_the_recorded_chances_against_the_bars_that_came(played):
    recorded = parts_of(played).recorded
    forecast, note = recorded_forecast(PaperFolder(played.folder.path), recorded)
    assert forecast.predicted == pytest.approx(OUTCOMES)
    assert sum(forecast.realized) == pytest.approx(1.0)
    assert "base rates are those of the bars before the session" in note
    few, told = recorded_forecast(PaperFolder(played.folder.path), recorded, most=4)
    assert sum(each.count for each in few.calibration) <= 4 * len(OUTCOMES)
    assert "Of 4 of " in told


def test_a_page_without_recorded_chances_says_so(played):
    for day in played.folder.decisions_path.iterdir():
        day.unlink()
    page, _ = page_of(played)
    assert [plot.title for plot in page.plots] == ["Cost curve"]
    assert page.notes == [
        "No calibration: the session's records hold no chances of a bar that came."
    ]


def test_a_session_that_never_traded_has_no_decisions(tmp_path):
    page, _ = page_of(play(tmp_path / "session", settings(), ScriptedPlanner([])))
    assert page.decisions is None
    assert len(page.trades) == 0
    assert contents_of(page)["trades"]["ending"].size == 0
