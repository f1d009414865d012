"""The page of an evaluation: what a run's agent did, why, and what it is worth."""

from mlx_muzero.agent.agent import Agent, played_by
from mlx_muzero.evaluation.backtest import Doing
from mlx_muzero.evaluation.cost_sweep import sweep_costs
from mlx_muzero.evaluation.page.contents import Again, Page, Plot
from mlx_muzero.evaluation.page.courses import courses_of
from mlx_muzero.evaluation.page.tables import (
    calibration_plot,
    costs_plot,
    figures_of,
    importance_table,
    luck_tables,
    policies_table,
    verdict_of,
)
from mlx_muzero.experiment.evaluating import Evaluation
from mlx_muzero.experiment.judging import JudgedBars
from mlx_muzero.experiment.page_parts import (
    Stretch,
    candles_behind,
    repeating,
    tried_table,
    weights_digest,
)
from mlx_muzero.experiment.trained_run import TrainedRun
from mlx_muzero.types import Advance


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
    comparison, dataset = found.comparison, bars.dataset
    conditions, luck, unit = comparison.conditions, comparison.luck, comparison.conditions.unit
    backtests = {name: entry.backtest for name, entry in comparison.entries.items()}
    name = comparison.agents[0] if luck is None else luck.policy
    backtests = {name: backtests.pop(name), **backtests}
    judged = backtests[name]
    stretch = Stretch(run, dataset, comparison.bars, judged, *_player(run, found, name), found.kept)
    doing("decisions behind the fills", None)
    trades, decisions = stretch.explained(tick=tick)
    doing("bars, costs and forecasts", None)
    metrics = {policy: played.metrics for policy, played in backtests.items()}
    tables = [policies_table(metrics, unit)]
    if luck is not None:
        tables += luck_tables(luck, unit, judged.metrics.sharpe_factor)
    if found.importance is not None:
        tables.append(importance_table(found.importance, unit))
    return Page(
        title=f"{run.folder.path.name}: {conditions.data}, {conditions.part}",
        about=_about(found),
        unit=unit,
        again=Again(
            command,
            {"SHA-256 of the weights": weights_digest(run), **repeating(run, dataset)},
        ),
        verdict=verdict_of(None if luck is None else luck.verdict, conditions.looked),
        figures=figures_of(judged.metrics, unit),
        courses=courses_of(backtests, comparison.bars),
        candles=candles_behind(run.store, stretch.symbols, trades, comparison.bars.close_ns),
        trades=trades,
        decisions=decisions,
        plots=_plots(found, stretch),
        tables=[*tables, tried_table(run.store, dataset, bars.part, unit)],
    )


def _player(run: TrainedRun, found: Evaluation, name: str) -> tuple[Agent, int]:
    """The agent that played under `name`, and its simulations."""
    if found.full is None:
        return run.agent(), found.simulations[0]
    search, _, simulations = name.rpartition(" ")
    return run.searchers()[search], int(simulations)


def _about(found: Evaluation) -> list[str]:
    conditions = found.comparison.conditions
    simulations = ", ".join(map(str, found.simulations))
    about = [
        f"Checkpoint {found.checkpoint}, {simulations} simulations per decision, backend "
        f"{played_by(found.backend, found.root_backend)}, {found.precision}.",
        *conditions.sentences,
        found.period or "",
    ]
    if found.at_costs is not None and found.at_costs.telling:
        sentence = found.at_costs.words(conditions.unit)
        about.append(f"{sentence[0].upper()}{sentence[1:]}.")
    if found.comparison.expected_best_pips is not None:
        about.append(
            "Best policy that does not see the future, expected: "
            f"{found.comparison.expected_best_pips:+.1f} net {conditions.unit} per session."
        )
    return [sentence for sentence in about if sentence]


def _plots(found: Evaluation, stretch: Stretch) -> list[Plot]:
    comparison, full = found.comparison, found.full
    unit = comparison.conditions.unit
    if full is not None:
        return [costs_plot(full.sweep, unit), calibration_plot({"forecast": full.forecast}, "")]
    played = {name: entry.backtest for name, entry in comparison.entries.items()}
    forecast, note = stretch.forecast()
    sweep = sweep_costs(played, stretch.run.rules)
    return [costs_plot(sweep, unit), calibration_plot({"forecast": forecast}, note)]
