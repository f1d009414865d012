"""The page of a walk-forward: the tests of all windows as one, every fill explained."""

from dataclasses import dataclass, field

from mlx_muzero.evaluation.cost_sweep import sweep_costs
from mlx_muzero.evaluation.forecasts import OutcomeForecast
from mlx_muzero.evaluation.page.contents import Again, Column, Decisions, Page, Table, Trades
from mlx_muzero.evaluation.page.courses import courses_of
from mlx_muzero.evaluation.page.fill_decisions import MOST_TREES
from mlx_muzero.evaluation.page.joining import joined
from mlx_muzero.evaluation.page.tables import (
    calibration_plot,
    costs_plot,
    figures_of,
    luck_tables,
    policies_table,
    verdict_of,
)
from mlx_muzero.evaluation.session_bars import SessionBars
from mlx_muzero.evaluation.walk_forward import WalkForward, WindowTest, metrics_of
from mlx_muzero.experiment.page_parts import (
    Stretch,
    candles_behind,
    repeating,
    tried_table,
    weights_digest,
)
from mlx_muzero.experiment.trained_run import TrainedRun


@dataclass(eq=False)
class WindowsExplained:
    """Takes each window while its run is loaded, and makes the page of all.

    Attributes:
        windows: how many there will be.
        parts: trades and decisions of each.
        forecasts: how well each window's model forecasts.
        weights: SHA-256 of each window's weights, by its name.
        note: of how many decisions the forecasts are judged.
        last: the last window.
    """

    windows: int
    parts: list[tuple[Trades, Decisions | None]] = field(default_factory=list)
    forecasts: dict[str, OutcomeForecast] = field(default_factory=dict)
    weights: dict[str, str] = field(default_factory=dict)
    note: str = ""
    last: Stretch | None = None

    def take(self, run: TrainedRun, test: WindowTest) -> None:
        """Explain the fills of a window, which `run` was trained in."""
        played = next(iter(test.backtests.values()))
        simulations = run.config.search.num_simulations
        window = Stretch(run, run.dataset, test.bars, played, run.agent(), simulations)
        name = f"window {len(self.parts) + 1}"
        self.parts.append(window.explained(MOST_TREES // self.windows))
        self.forecasts[name], self.note = window.forecast()
        self.weights[f"SHA-256 of the weights, {name}"] = weights_digest(run)
        self.last = window

    def page(self, walk: WalkForward, command: str) -> Page:
        """The page of `walk`, whose windows were taken; `command` made it."""
        assert self.last is not None
        conditions, luck, unit = walk.conditions, walk.luck, walk.conditions.unit
        run, dataset, whole = self.last.run, self.last.dataset, walk.whole
        bars = SessionBars.joined([window.bars for window in walk.windows])
        trades, decisions = joined(self.parts)
        judged = whole[luck.policy].metrics
        return Page(
            title=f"{run.folder.path.parent.name}: {conditions.data}, {conditions.split}",
            about=[
                f"{len(walk.windows)} windows, each agent knowing only its own.",
                *conditions.sentences,
            ],
            unit=unit,
            again=Again(command, {**self.weights, **repeating(run, dataset)}),
            verdict=verdict_of(luck.verdict, conditions.looked),
            figures=figures_of(judged, unit),
            courses=courses_of({luck.policy: whole[luck.policy], **whole}, bars),
            candles=candles_behind(run.store, self.last.symbols, trades, bars.close_ns),
            trades=trades,
            decisions=decisions,
            plots=[
                costs_plot(sweep_costs(whole, walk.rules), unit),
                calibration_plot(self.forecasts, self.note),
            ],
            tables=[
                policies_table(metrics_of(whole), unit),
                windows_table(walk),
                *luck_tables(luck, unit, judged.sharpe_factor),
                tried_table(run.store, dataset, "test", unit),
            ],
        )


def windows_table(walk: WalkForward) -> Table:
    """A row for each window."""
    unit = walk.conditions.unit
    columns = (
        Column("window", "count"),
        Column("train"),
        Column("validation"),
        Column("test"),
        Column("end"),
        Column("checkpoint"),
        Column("sessions", "count"),
        Column("trades", "count"),
        Column(f"net {unit}/session", "number", 2, signed=True),
        Column("95 % from", "number", 2, signed=True),
        Column("to", "number", 2, signed=True),
    )
    rows = []
    for number, window in enumerate(walk.windows, 1):
        m = window.backtests[walk.agents[0]].metrics
        days = [text[:10] for text in window.splits]
        net = (m.net_pips_per_session, m.net_pips_low, m.net_pips_high)
        rows.append((number, *days, window.checkpoint, m.sessions, m.trades, *net))
    note = "UTC days on which the splits of each window start, and the end of its test."
    return Table("Windows", columns, rows, note)
