"""The page of a paper session: what it traded, why, and what it is worth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mlx_muzero.config.schema import Config
from mlx_muzero.evaluation.page.candles import candles_of
from mlx_muzero.evaluation.page.contents import (
    Again,
    Candles,
    Column,
    Course,
    Page,
    Plot,
    Table,
    Trades,
)
from mlx_muzero.evaluation.page.courses import telling_points
from mlx_muzero.evaluation.page.tables import (
    calibration_plot,
    cost_curves_plot,
    figures_of,
    looks_table,
    luck_tables,
    policies_table,
    verdict_of,
)
from mlx_muzero.files.digests import sha256_of
from mlx_muzero.market.bars import utc_text
from mlx_muzero.numerics import numerics
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.report.cost_curve import SHARES, cost_curve
from mlx_muzero.paper.report.fill_decisions import DecidedFills
from mlx_muzero.paper.report.performance import UNIT, Performance
from mlx_muzero.paper.report.recorded_forecast import recorded_forecast
from mlx_muzero.paper.report.session_report import PlayedSession, SessionReport
from mlx_muzero.paper.retraining.recorded import retraining_of
from mlx_muzero.paper.settings import PaperSettings
from mlx_muzero.runlog.look import Look
from mlx_muzero.runlog.look_ledger import configurations_tried
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.training.checkpoint import WEIGHTS, weights_sha256
from mlx_muzero.training.run import RunFolder
from mlx_muzero.words import counted, named

HISTORY_BARS = 120
"""Bars of each pair that are shown from before the session."""

_BY_DECISION, _BY_FORCE, _STILL_OPEN = 0, 1, 2


@dataclass(frozen=True, eq=False)
class ShownSession:
    """A session with its report, while its store is open.

    Attributes:
        folder: of the session, wherever its store is read from.
        store: its records.
        settings: its settings.
        config: of the training run.
        looks: at the market of its model.
        report: on it.
        played: what the report is made of.
    """

    folder: PaperFolder
    store: PaperStore
    settings: PaperSettings
    config: Config
    looks: Sequence[Look]
    report: SessionReport
    played: PlayedSession


def session_page(shown: ShownSession, command: str) -> Page:
    """The page of `shown`, which `command` made."""
    report, agent, name = shown.report, shown.played.agent, shown.folder.path.name
    symbols = list(shown.played.recorded)
    decided = DecidedFills.of(shown.store, shown.folder, shown.played.recorded)
    trades = _trades(agent, symbols, decided)
    net = trades.gross - trades.cost
    tried = counted(configurations_tried(shown.looks), "configuration")
    policies = {"the agent": agent, **shown.played.baselines}
    metrics = {"the agent": report.metrics, **report.baselines}
    tables = [policies_table(metrics, UNIT, "day"), _pairs_table(agent)]
    if report.verdict is not None:
        tables += luck_tables(report.luck, UNIT, report.metrics.sharpe_factor, "day")
    forecast, note = recorded_forecast(shown.folder, shown.played.recorded)
    plots = [_costs_plot(policies)]
    if forecast is not None:
        plots.append(calibration_plot({"forecast": forecast}, note))
    return Page(
        title=f"{name}: paper session, {named(symbols, 'pair')}",
        about=[
            f"{report.minutes:,} minutes, {utc_text(report.first_ns)} to "
            f"{utc_text(report.last_ns)} UTC; {report.holes:,} gaps. No order left this machine.",
            *_decided_by(report),
            *([] if report.fitted is None else [f"No verdict: {report.fitted}."]),
            "Baselines: the same minutes, pairs, fills and costs, each pair on its own, without "
            "limits or commands. bps are of one pair's notional.",
        ],
        unit=UNIT,
        again=Again(command, _facts(shown)),
        verdict=verdict_of(report.verdict, f"{tried} tried to make its model."),
        figures={
            "equity": f"{report.money['equity']:,.2f}",
            "net": f"{report.money['net']:+,.2f}",
            **figures_of(report.metrics, UNIT, "day"),
        },
        courses=[_course(policy, each) for policy, each in policies.items()],
        candles=_candles(shown, trades, symbols),
        trades=trades,
        decisions=decided.decisions(net, trades),
        plots=plots,
        tables=[
            *tables,
            _money_table(report),
            looks_table(shown.looks, TradingRules.from_config(shown.config).unit),
        ],
        notes=[note] if forecast is None else [],
    )


def _decided_by(report: SessionReport) -> list[str]:
    """How many minutes each model decided, if there was more than one."""
    if len(report.models) < 2:
        return []
    told = ", ".join(f"{title} {count:,}" for title, count in report.models.items())
    return [f"Minutes by model: {told}."]


def _costs_plot(policies: Mapping[str, Performance]) -> Plot:
    curves = {name: cost_curve(played) for name, played in policies.items()}
    what = "costs, as a share of those paid"
    return cost_curves_plot(curves, SHARES, what, f"net {UNIT} per day", (1.0, "as paid"))


def _course(name: str, performance: Performance) -> Course:
    earned = performance.profit / performance.basis_point
    points = telling_points(earned)
    return Course(name, performance.close_ns[points], earned[points])


def _candles(shown: ShownSession, trades: Trades, symbols: list[str]) -> list[Candles]:
    bars = {}
    for symbol, pair in shown.played.recorded.items():
        first = max(pair.history_bars - HISTORY_BARS, 0)
        bars[symbol] = pair.market.slice(first, len(pair.market))
    return candles_of(bars, trades.fills_ns(symbols))


def _trades(agent: Performance, symbols: list[str], decided: DecidedFills) -> Trades:
    named = np.array([pair.symbol for pair in agent.pairs], np.str_)
    pair_names = named[agent.trades.pair]
    in_order = np.lexsort((pair_names, agent.trades.entry_ns))
    trades, names = agent.trades.take(in_order), pair_names[in_order].tolist()
    entered, left = trades.entry_ns.tolist(), trades.exit_ns.tolist()
    exits_ns = np.where(trades.still_open, agent.close_ns[-1], trades.exit_ns)
    entry = [decided.behind(name, at) for name, at in zip(names, entered, strict=True)]
    exits = [decided.behind(name, at) for name, at in zip(names, left, strict=True)]
    forced = np.where(np.array(exits, np.int32) >= 0, _BY_DECISION, _BY_FORCE)
    sides = (trades.exposure > 0.0).tolist()
    begins = list(zip(names, entered, sides, strict=True))
    ends = list(zip(names, exits_ns.tolist(), sides, strict=True))
    begun, over = set(begins), set(ends)
    resized = [
        int(begin in over) + 2 * int(end in begun) for begin, end in zip(begins, ends, strict=True)
    ]
    return Trades(
        market=np.array([symbols.index(name) for name in names], np.int32),
        exposure=trades.exposure,
        entry_ns=trades.entry_ns,
        exit_ns=exits_ns,
        entry_price=trades.entry_price,
        exit_price=trades.exit_price,
        gross=trades.gross / agent.basis_point,
        cost=trades.cost / agent.basis_point + trades.funding / agent.basis_point,
        ending=np.where(trades.still_open, _STILL_OPEN, forced).astype(np.int8),
        resized=np.array(resized, np.int8),
        entry_decision=np.array(entry, np.int32),
        exit_decision=np.array(exits, np.int32),
    )


def _pairs_table(agent: Performance) -> Table:
    """What each pair earned, in round trips."""
    trades = agent.course().trades
    trip = trades.round_trip
    count = int(trip.max(initial=-1)) + 1
    net, cost = (
        np.bincount(trip, values, minlength=count)
        for values in (trades.net_pips, trades.cost_pips + trades.funding_pips)
    )
    pair_of = np.zeros(count, np.int64)
    pair_of[trip] = trades.account
    columns = (
        Column("pair"),
        Column("trades", "count"),
        Column("won", "percent", 0),
        Column(f"cost {UNIT}", "number", 1),
        Column(f"net {UNIT}", "number", 1, signed=True),
    )
    rows = []
    for place, pair in enumerate(agent.pairs):
        own = pair_of == place
        made = int(own.sum())
        won = float((net[own] > 0.0).mean()) if made else None
        rows.append((pair.symbol, made, won, float(cost[own].sum()), float(net[own].sum())))
    return Table("By pair", columns, rows)


def _money_table(report: SessionReport) -> Table:
    rows = [(name, f"{value:,.2f}") for name, value in report.money.items()]
    rows.append(("ledger minus trades' prices", f"{report.ledger_error:+.2e}"))
    for stage, took in report.latency_ms.items():
        shares = ", ".join(f"{share} {value:.1f}" for share, value in took.items())
        rows.append((f"latency, {stage}, ms", shares))
    return Table("Money and latency", (Column("what"), Column("figure")), rows)


def _facts(shown: ShownSession) -> dict[str, str]:
    session = shown.settings.session
    checkpoint = RunFolder(Path(session.model)).checkpoints.folder / session.checkpoint
    here = (checkpoint / WEIGHTS).is_file()
    known = {"SHA-256 of the weights": weights_sha256(checkpoint)} if here else {}
    return {
        "model": session.model,
        "checkpoint": session.checkpoint,
        **known,
        **{
            f"{model.title}, SHA-256 of what it learned": model.weights
            for model in retraining_of(shown.store).played
            if model.number
        },
        "SHA-256 of the settings": sha256_of(shown.folder.path / "paper.toml"),
        **numerics(),
    }
