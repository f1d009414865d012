"""What pages of runs share: fills with their decisions, bars, forecasts, and how to repeat them."""

from dataclasses import dataclass
from pathlib import Path

from mlx_muzero.agent.agent import Agent
from mlx_muzero.evaluation.backtest import Backtest
from mlx_muzero.evaluation.forecasts import OutcomeForecast
from mlx_muzero.evaluation.outcome_forecast import forecast_outcomes
from mlx_muzero.evaluation.page.candles import candles_of
from mlx_muzero.evaluation.page.contents import Candles, Decisions, Table, Trades
from mlx_muzero.evaluation.page.fill_decisions import MOST_TREES, Played, decisions_behind
from mlx_muzero.evaluation.page.kept_searches import KeptSearches
from mlx_muzero.evaluation.page.played import trades_of
from mlx_muzero.evaluation.page.tables import looks_table
from mlx_muzero.evaluation.session_bars import SessionBars
from mlx_muzero.experiment.looks import configuration_digest, looked_bars
from mlx_muzero.experiment.trained_run import TrainedRun
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.sessions import Part
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.numerics import numerics
from mlx_muzero.runlog.look_ledger import LookLedger
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.training.checkpoint import weights_sha256
from mlx_muzero.types import I64, Advance
from mlx_muzero.words import command

FORECASTS = 8192
"""Decisions at which a model's forecasts are judged for a page, spread evenly."""


@dataclass(frozen=True, eq=False)
class Stretch:
    """Sessions that one agent of a run played.

    Attributes:
        run: the agent's.
        dataset: that holds the sessions.
        bars: of the sessions.
        played: what the agent did.
        agent: plans as it did.
        simulations: of each search.
        kept: what its searches found, if that was kept.
    """

    run: TrainedRun
    dataset: MarketDataset
    bars: SessionBars
    played: Backtest
    agent: Agent
    simulations: int
    kept: KeptSearches | None = None

    @property
    def symbols(self) -> list[str]:
        """Those whose candles are shown."""
        return [str(symbol) for symbol in self.dataset.symbols]

    def explained(
        self, most_trees: int = MOST_TREES, tick: Advance = lambda _count: None
    ) -> tuple[Trades, Decisions | None]:
        """The trades, and the decisions behind their fills; `tick` counts those."""
        starts, rules = self.bars.starts, self.run.rules
        by = self.agent, self.simulations, self.kept
        what = Played(self.played, starts, self.dataset, rules, *by)
        decisions = decisions_behind(what, self._tree_command, most_trees, tick)
        return trades_of(self.played, self.bars, self.symbols, decisions, rules.fill), decisions

    def forecast(self) -> tuple[OutcomeForecast, str]:
        """How well the model forecasts the next bar, and of how many decisions that is told."""
        starts = self.bars.starts
        found = forecast_outcomes(self.run.model, self.dataset, self.run.rules, starts, FORECASTS)
        decisions = len(starts) * self.dataset.config.session_bars
        evenly = f"Of {FORECASTS:,} decisions, evenly spread."
        return found, "" if decisions <= FORECASTS else evenly

    @property
    def _tree_command(self) -> str:
        """Shows the tree of one decision, followed by the time of its bar."""
        run = self.run
        options: list[object] = []
        best = run.folder.checkpoints.best()
        if best is None or best.name != run.checkpoint:
            options += ["--checkpoint", "latest"]
        if self.simulations != run.config.search.num_simulations:
            options += ["--simulations", self.simulations]
        return command("tree", run.folder.path, *options, "--at")


def candles_behind(store: Path, symbols: list[str], trades: Trades, close_ns: I64) -> list[Candles]:
    """Candles of the sessions whose bars end at `close_ns` ``i64[n, s]``, exact around `trades`."""
    first, end = int(close_ns.min()) - MINUTE_NS, int(close_ns.max())
    with BarStore(store, read_only=True) as opened:
        bars = {symbol: opened.load(symbol, first, end) for symbol in symbols}
    return candles_of(bars, trades.fills_ns(symbols))


def weights_digest(run: TrainedRun) -> str:
    """SHA-256 of the file of the weights that played."""
    return weights_sha256(run.folder.checkpoints.folder / run.checkpoint)


def repeating(run: TrainedRun, dataset: MarketDataset) -> dict[str, str]:
    """Digests and versions that have to be the same to make results again."""
    return {
        "SHA-256 of the configuration": configuration_digest(run.folder.config()),
        "SHA-256 of the bars": dataset.summary.digest,
        "seed": str(run.config.train.seed),
        **numerics(),
    }


def tried_table(store: Path, dataset: MarketDataset, part: Part, unit: str) -> Table:
    """What the ledger of `store` knows of the market of `dataset`."""
    return looks_table(LookLedger(store).kept().of_market(looked_bars(dataset, part)), unit)
