"""A replayed session against the batch path, and its report."""

import math
import shutil
from dataclasses import replace

import numpy as np
import pytest

from markets import MINUTE_NS, quoted_bars
from mlx_muzero.errors import RunError
from mlx_muzero.evaluation.luck.random_entries import entries_p
from mlx_muzero.market.observation.fx_context import HISTORY_BARS
from mlx_muzero.market.quotes import Spreads
from mlx_muzero.paper.records import store as store_module
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.report import recorded_pair
from mlx_muzero.paper.report.held import held_by_pair
from mlx_muzero.paper.report.parity import check_parity
from mlx_muzero.paper.report.recorded_pair import recorded_pairs
from mlx_muzero.paper.report.session_report import performance_of, report_session
from paper_sessions import (
    BEGIN_NS,
    CONFIG,
    WARM_BARS,
    DicePlanner,
    ScriptedPlanner,
    markets,
    play,
    settings,
)


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """A finished session with slippage, limits that bind and a stretch of commands."""
    paper = settings(
        ("USDJPY", "EURJPY", "GBPJPY"),
        "fills.slippage_pips=0.3",
        "risk.max_total_exposure=2",
        "risk.max_daily_loss_frac=0.002",
        "risk.cooldown_minutes=5",
    )
    path = tmp_path_factory.mktemp("paper") / "run"
    return play(path, paper, bars=markets(paper.pairs, WARM_BARS + 80)), paper


def moved(bars, minutes):
    return replace(bars, open_time_ns=bars.open_time_ns + minutes * MINUTE_NS)


def parity_of(folder, paper, planner=None):
    with PaperStore(folder.store_path, read_only=True) as store:
        return check_parity(store, paper, CONFIG, planner or DicePlanner())


def test_a_replay_is_exact(session):
    played, paper = session
    found = parity_of(played.folder, paper)
    assert found.exact, [part.first for part in found.parts.values()]
    assert found.decisions.recorded == len(played.decisions) > 100
    assert found.fills.recorded == len(played.fills) > 50
    assert found.trades.recorded == len(played.trades) > 20
    assert {row["limited_by"] for row in played.decisions} >= {None, "max_total_exposure"}


@pytest.mark.slow
def test_a_replay_that_pays_quotes_is_exact(tmp_path):
    paper = settings(("USDJPY", "EURJPY"), "fills.cost=quotes", "fills.fee_pips=0.1")
    bars = [quoted_bars(WARM_BARS + 40, seed, pair) for seed, pair in enumerate(paper.pairs)]
    # A bar whose ask is unknown pays the spread before.
    gaps = np.arange(WARM_BARS + 40) % 7 == 3
    bars[0] = replace(
        bars[0],
        extras={name: np.where(gaps, np.nan, ask) for name, ask in bars[0].extras.items()},
    )
    played = play(tmp_path / "run", paper, bars=bars)
    found = parity_of(played.folder, paper)
    assert found.exact, [part.first for part in found.parts.values()]
    assert found.fills.recorded > 20
    opens = {pair: bars[i] for i, pair in enumerate(paper.pairs)}
    for fill in played.fills:
        own = opens[fill["pair"]]
        row = int(np.searchsorted(own.open_time_ns, fill["fill_ns"]))
        spread = Spreads.of(own).open[row]
        bought = max(fill["units"], 0.0)
        commission = fill["fee"] - bought * spread
        assert fill["price"] == own.open[row]
        # Commission of a round trip is charged on entry.
        pip_value = abs(fill["units"]) * 0.01
        assert commission == pytest.approx(0.2 * pip_value * (fill["exposure"] != 0.0), abs=1e-9)


@pytest.mark.slow
def test_a_replay_that_observes_the_spread_is_exact(tmp_path):
    market = replace(CONFIG.market, features="fx_context")
    config, warm = replace(CONFIG, market=market), HISTORY_BARS
    bars = quoted_bars(warm + 20, symbol="USDJPY")
    gaps = np.arange(len(bars)) % 7 == 3
    bars = replace(bars, extras={"open_ask": np.where(gaps, np.nan, bars.extras["open_ask"])})
    paper, begin_ns = settings(("USDJPY",)), int(bars.open_time_ns[warm - 1])
    played = play(tmp_path / "run", paper, bars=[bars], config=config, begin_ns=begin_ns)
    with PaperStore(played.folder.store_path, read_only=True) as store:
        found = check_parity(store, paper, config, DicePlanner())
        assert len(store.table("quotes")) == (~gaps).sum()
    assert found.exact, [part.first for part in found.parts.values()]
    assert found.decisions.recorded == len(played.decisions) >= 20


def test_however_few_minutes_are_read_at_a_time_the_replay_is_the_same(session, monkeypatch):
    played, paper = session
    whole = parity_of(played.folder, paper, ScriptedPlanner([]))
    monkeypatch.setattr(store_module, "_PIECE", 5)
    monkeypatch.setattr(recorded_pair._EachBar, "_AT_ONCE", 7)
    assert parity_of(played.folder, paper).exact
    assert parity_of(played.folder, paper, ScriptedPlanner([])) == whole


def test_a_decision_on_a_pair_that_the_session_has_not_is_refused(session, tmp_path):
    played, paper = session
    path = tmp_path / "store.duckdb"
    shutil.copy(played.folder.store_path, path)
    with PaperStore(path) as store:
        rows = "replace(rows, '\"EURJPY\"', '\"OTHER\"') where rows like '%decisions%'"
        store._db.execute(f"update transactions set rows = {rows}")
    with (
        PaperStore(path, read_only=True) as store,
        pytest.raises(RunError, match="not those of a session"),
    ):
        check_parity(store, paper, CONFIG, DicePlanner())


def test_another_planner_shows(session):
    played, paper = session
    found = parity_of(played.folder, paper, ScriptedPlanner([]))
    assert not found.exact
    assert found.decisions.differ > 50
    assert len(found.decisions.first) == 5


def test_other_fills_show(session):
    played, paper = session
    dearer = replace(paper, fills=replace(paper.fills, slippage_pips=0.4))
    found = parity_of(played.folder, dearer)
    assert found.fills.differ > 0
    assert found.equity.differ == 1


def test_the_ledger_adds_up_from_the_prices_of_the_trades(session):
    """Money computed from prices, costs and the notional alone."""
    played, paper = session
    first = {}
    for bar in played.bars:
        if bar["open_time_ns"] >= BEGIN_NS:
            first.setdefault(bar["pair"], bar["open"])
    net = 0.0
    for trade in played.trades:
        units = trade["exposure"] * paper.account.notional / first[trade["pair"]]
        cost = abs(units) * 4.0 * 0.01
        assert trade["net"] == pytest.approx(
            units * (trade["exit_price"] - trade["entry_price"]) - cost, abs=1e-9
        )
        net += trade["net"]
    last = played.equity[-1]
    assert last["realized"] == pytest.approx(net, abs=1e-9)
    assert last["equity"] == pytest.approx(
        paper.account.balance + net + open_profit(played, paper, first), abs=1e-9
    )


def open_profit(played, paper, first):
    held = {}
    for fill in played.fills:
        held[fill["pair"]] = fill
    close = {bar["pair"]: bar["close"] for bar in played.bars}
    total = 0.0
    for pair, fill in held.items():
        units = fill["exposure"] * paper.account.notional / first[pair]
        total += units * (close[pair] - fill["price"]) - abs(units) * 4.0 * 0.01
    return total


def test_a_report_counts_what_the_tables_hold(session):
    played, paper = session
    with PaperStore(played.folder.store_path, read_only=True) as store:
        report = report_session(PaperFolder(played.folder.path), store, paper, CONFIG)
        trades = store.table("trades")
    assert report.metrics.trades == len(trades), "all are closed"
    assert abs(report.ledger_error) < 1e-8
    assert report.money["equity"] == played.equity[-1]["equity"]
    assert report.money["net"] == pytest.approx(
        report.money["gross"] - report.money["cost"] - report.money["funding"]
    )
    made = played.equity[-1]["equity"] - paper.account.balance
    assert report.money["net"] == pytest.approx(made)
    assert report.metrics.net_pips == pytest.approx(made / paper.account.notional * 1e4)
    assert 0.0 < report.metrics.exposure_frac <= 1.0
    assert sum(report.metrics.action_frac.values()) == pytest.approx(1.0)
    assert report.minutes == len(played.equity)
    told = report.as_dict()
    assert told["pips_per_trade"] == report.pips_per_trade
    sides = [(row["exposure"], row["exit_price"] - row["entry_price"]) for row in trades]
    net = [side * change / 0.01 - 4.0 * abs(side) for side, change in sides]
    assert report.pips_per_trade == pytest.approx(np.mean(net))
    assert told["targets"]["expectancy_met"] == (report.pips_per_trade > 0.5)
    assert told["targets"]["win_frac_from"] == 0.45
    for stage in ("observe", "search", "orders", "total"):
        assert 0.0 < report.latency_ms[stage]["p50"] <= report.latency_ms[stage]["p99"] < math.inf


def test_luck_is_judged_by_days_against_baselines_and_random_entries(session):
    played, paper = session
    with PaperStore(played.folder.store_path, read_only=True) as store:
        report = report_session(PaperFolder(played.folder.path), store, paper, CONFIG, tried=3)
        recorded = recorded_pairs(store, paper, CONFIG)
        performance = performance_of(store, paper, CONFIG)
    luck = report.luck
    assert luck.policy == "the agent"
    assert luck.baseline in report.baselines.keys() - {"random"}
    assert 0.0 < luck.beyond_flat <= 1.0
    assert 0.0 < luck.beyond_baseline <= 1.0
    assert luck.verdict.trials == 3.0
    for spread in (luck.years, luck.months):
        assert sum(row.sessions for row in spread.values()) == report.metrics.sessions
        assert sum(row.trades for row in spread.values()) == report.metrics.trades
        total = sum(row.net_pips for row in spread.values())
        assert total == pytest.approx(report.metrics.net_pips)
    held = held_by_pair(performance, recorded)
    assert luck.verdict.entries == entries_p(held)
    for pair, (exposure, moved_bps) in held.items():
        trades = [row for row in played.trades if row["pair"] == pair]
        slippage = sum(row["slippage"] for row in played.fills if row["pair"] == pair)
        earned = sum(row["gross"] for row in trades) + slippage
        basis_point = paper.account.notional * 1e-4
        assert (exposure * moved_bps).sum() == pytest.approx(earned / basis_point)
    assert report.as_dict()["luck"]["verdict"] == report.as_dict()["verdict"]


def test_baselines_trade_the_same_minutes_at_the_same_costs(session):
    played, paper = session
    with PaperStore(played.folder.store_path, read_only=True) as store:
        report = report_session(PaperFolder(played.folder.path), store, paper, CONFIG)
        again = report_session(PaperFolder(played.folder.path), store, paper, CONFIG)
    assert report.baselines == again.baselines
    assert report.baselines.keys() == {
        "buy_and_hold",
        "random",
        "momentum_60",
        "mean_reversion_60",
    }
    begin_ns = played.equity[0]["close_ns"]
    expected = 0.0
    for pair in paper.pairs:
        bars = [bar for bar in played.bars if bar["pair"] == pair]
        traded = [bar for bar in bars if bar["open_time_ns"] >= begin_ns]
        first = next(bar for bar in bars if bar["open_time_ns"] == begin_ns - MINUTE_NS)
        pip_value = 0.01 / first["open"]
        price = traded[0]["open"] + paper.fills.slippage_pips * 0.01
        pips = (traded[-1]["close"] - price) / 0.01 - paper.fills.costs(0.01).round_trip_pips
        expected += pips * pip_value * 1e4
    held = report.baselines["buy_and_hold"]
    assert held.trades == len(paper.pairs)
    assert held.net_pips == pytest.approx(expected)
    assert held.sessions == report.metrics.sessions


def test_days_end_to_end_are_the_equity_curve(tmp_path):
    paper = settings(("USDJPY",))
    minutes = 19 * 60 + 28  # it begins half an hour before a trading day ends
    late = [moved(bars, minutes) for bars in markets(paper.pairs, WARM_BARS + 60)]
    begin_ns = BEGIN_NS + minutes * MINUTE_NS
    played = play(tmp_path / "run", paper, bars=late, begin_ns=begin_ns)
    with PaperStore(played.folder.store_path, read_only=True) as store:
        report = report_session(PaperFolder(played.folder.path), store, paper, CONFIG)
    assert report.metrics.sessions == 2
    curve = np.array([row["equity"] for row in played.equity])
    fall = np.maximum.accumulate(np.maximum(curve, paper.account.balance)) - curve
    bps = fall.max() / paper.account.notional * 1e4
    assert report.metrics.max_drawdown_pips == pytest.approx(bps)
