"""The page of an evaluation: what a run's agent did, why, and what it is worth."""

from collections.abc import Mapping
from pathlib import Path
from shlex import quote

import numpy as np

from mlx_muzero.agent.agent import Agent
from mlx_muzero.evaluation.backtest import Backtest, Doing
from mlx_muzero.evaluation.cost_sweep import sweep_costs
from mlx_muzero.evaluation.outcome_forecast import forecast_outcomes
from mlx_muzero.evaluation.page.candles import candles_of
from mlx_muzero.evaluation.page.contents import Again, Page, Plot, Table
from mlx_muzero.evaluation.page.courses import courses_of
from mlx_muzero.evaluation.page.fill_decisions import Played, decisions_behind
from mlx_muzero.evaluation.page.played import trades_of
from mlx_muzero.evaluation.page.tables import (
    calibration_plot,
    costs_plot,
    figures_of,
    looks_table,
    luck_table,
    policies_table,
    sentence_of,
    spread_table,
)
from mlx_muzero.experiment.evaluating import Evaluation
from mlx_muzero.experiment.judging import JudgedBars
from mlx_muzero.experiment.looks import configuration_digest, looked_bars
from mlx_muzero.experiment.trained_run import TrainedRun
from mlx_muzero.files.digests import sha256_of
from mlx_muzero.market.bars import Bars
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.numerics import numerics
from mlx_muzero.runlog.look_ledger import LookLedger
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import I64, Advance

FORECASTS = 8192
"""Decisions at which the model's forecasts are judged for a page, spread evenly."""


def evaluation_page(
    run: TrainedRun,
    bars: JudgedBars,
    found: Evaluation,
    command: str,
    tick: Advance = lambda _count: None,
    doing: Doing = lambda _what, _total: None,
) -> Page:
    """The page of `found`.

    Args:
        run: that was judged.
        bars: it was judged on.
        found: the results.
        command: that made them.
        tick: called with the number of decisions planned once more.
        doing: called with what begins, and its amount.
    """
    comparison, dataset, rules = found.comparison, bars.dataset, run.rules
    conditions, luck, unit = comparison.conditions, comparison.luck, comparison.conditions.unit
    backtests = {name: entry.backtest for name, entry in comparison.entries.items()}
    name = comparison.agents[0] if luck is None else luck.policy
    judged = backtests.pop(name)
    backtests = {name: judged, **backtests}
    agent, simulations = _player(run, found, name)
    played = Played(judged, comparison.bars.starts, dataset, rules, agent, simulations)
    doing("decisions behind the fills", None)
    decisions = decisions_behind(played, _tree_command(run, simulations), tick)
    symbols = [str(symbol) for symbol in dataset.symbols]
    trades = trades_of(judged, comparison.bars, symbols, decisions, rules.fill)
    doing("bars, costs and forecasts", None)
    fills = np.concatenate([trades.entry_ns, trades.exit_ns])
    market = np.concatenate([trades.market, trades.market])
    shown = _bars_of(run.store, symbols, comparison.bars.close_ns)
    times = {symbol: fills[market == number] for number, symbol in enumerate(symbols)}
    return Page(
        title=f"{run.folder.path.name}: {conditions.data}, {conditions.part}",
        about=_about(found),
        unit=unit,
        again=Again(command, _facts(run, bars)),
        verdict=sentence_of(None if luck is None else luck.verdict, conditions.looked),
        figures=figures_of(judged.metrics, unit),
        courses=courses_of(backtests, comparison.bars),
        candles=candles_of(shown, times),
        trades=trades,
        decisions=decisions,
        plots=_plots(run, bars, found, backtests),
        tables=_tables(run, bars, found, name, backtests),
    )


def _player(run: TrainedRun, found: Evaluation, name: str) -> tuple[Agent, int]:
    """The agent that played under `name`, and its simulations."""
    if found.full is None:
        return run.agent(), found.simulations[0]
    search, _, simulations = name.rpartition(" ")
    return run.searchers()[search], int(simulations)


def _tree_command(run: TrainedRun, simulations: int) -> str:
    command = f"mlx-muzero tree {quote(str(run.folder.path))}"
    if simulations != run.config.search.num_simulations:
        command += f" --simulations {simulations}"
    return f"{command} --at"


def _bars_of(store: Path, symbols: list[str], close_ns: I64) -> dict[str, Bars]:
    """The bars of every symbol over all sessions, whose bars end at `close_ns` ``i64[n, s]``."""
    first, end = int(close_ns.min()) - MINUTE_NS, int(close_ns.max())
    with BarStore(store, read_only=True) as opened:
        return {symbol: opened.load(symbol, first, end) for symbol in symbols}


def _about(found: Evaluation) -> list[str]:
    conditions = found.comparison.conditions
    simulations = ", ".join(map(str, found.simulations))
    about = [
        f"Checkpoint {found.checkpoint}, {simulations} simulations per decision, backend "
        f"{found.backend}.",
        f"{conditions.sessions:,} of {conditions.available_sessions:,} sessions of "
        f"{conditions.session_bars} bars, {conditions.first} to {conditions.last} UTC.",
        f"Costs: {conditions.costs}. {conditions.fills}",
        conditions.purged,
        found.period or "",
        *conditions.wide_steps,
    ]
    if found.comparison.expected_best_pips is not None:
        about.append(
            "Best policy that does not see the future, expected: "
            f"{found.comparison.expected_best_pips:+.1f} net {conditions.unit} per session."
        )
    return [sentence for sentence in about if sentence]


def _facts(run: TrainedRun, bars: JudgedBars) -> dict[str, str]:
    """Versions and digests."""
    folder = run.folder.checkpoints.folder / run.checkpoint
    return {
        "checkpoint": run.checkpoint,
        "SHA-256 of its weights": sha256_of(folder / "weights.safetensors"),
        "SHA-256 of the configuration": configuration_digest(run.folder.config()),
        "SHA-256 of the bars": bars.dataset.summary.digest,
        "seed": str(run.config.train.seed),
        **numerics(),
    }


def _plots(
    run: TrainedRun, bars: JudgedBars, found: Evaluation, backtests: Mapping[str, Backtest]
) -> list[Plot]:
    unit, full = found.comparison.conditions.unit, found.full
    if full is not None:
        return [costs_plot(full.sweep, unit), calibration_plot(full.forecast, "")]
    sweep = sweep_costs(backtests, run.rules)
    starts = found.comparison.bars.starts
    forecast = forecast_outcomes(run.model, bars.dataset, run.rules, starts, FORECASTS)
    decisions = len(starts) * bars.dataset.config.session_bars
    note = "" if decisions <= FORECASTS else f"Of {FORECASTS:,} decisions, evenly spread."
    return [costs_plot(sweep, unit), calibration_plot(forecast, note)]


def _tables(
    run: TrainedRun,
    bars: JudgedBars,
    found: Evaluation,
    judged: str,
    backtests: Mapping[str, Backtest],
) -> list[Table]:
    comparison = found.comparison
    unit, luck = comparison.conditions.unit, comparison.luck
    metrics = {name: played.metrics for name, played in backtests.items()}
    tables = [policies_table(metrics, unit)]
    if luck is not None:
        tables += [
            luck_table(luck, unit, metrics[judged].sharpe_factor),
            spread_table("month", luck.months, unit),
            spread_table("year", luck.years, unit),
        ]
    kept = LookLedger(run.store).kept()
    return [*tables, looks_table(kept.of_market(looked_bars(bars.dataset, bars.part)), unit)]
