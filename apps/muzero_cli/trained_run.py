"""A trained run, with the bars to show it."""

from dataclasses import dataclass, replace
from pathlib import Path

from mlx_muzero.agent import Agent
from mlx_muzero.backends import settle
from mlx_muzero.config import Config
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.outcomes import OUTCOME_NAMES
from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.training.models import load_model
from mlx_muzero.training.run import MarketRecord, RunFolder
from muzero_cli.loading import load_dataset, of_symbol


@dataclass(frozen=True, eq=False)
class TrainedRun:
    """A run's model and the bars to show it.

    Attributes:
      config: of the run, for the symbol of `dataset`, its search backend settled.
      rules: of trading.
      model: from the checkpoint.
      checkpoint: its name.
      dataset: bars with features and outcomes.
      store: where they came from.
    """

    config: Config
    rules: TradingRules
    model: StochasticMuZero
    checkpoint: str
    dataset: MarketDataset
    store: Path

    def agent(self, model: StochasticMuZero | None = None) -> Agent:
        """An agent that plays with `model`, by default the run's."""
        return Agent(model or self.model, self.config.search, self.rules.table, len(OUTCOME_NAMES))


def load_run(
    path: Path,
    checkpoint: str,
    database: Path | None,
    symbol: str | None = None,
) -> TrainedRun:
    """The run at `path` on the bars it was trained on, or on those of another symbol.

    `checkpoint` is "best", "latest" or the name of one.
    """
    folder = RunFolder(path)
    trained = folder.config()
    config = of_symbol(trained, symbol) if symbol else trained
    rules = TradingRules.from_config(config)
    model, name = load_model(folder, rules.table, checkpoint)
    dataset, store = load_dataset(config, database or Path(folder.market().store))
    if config.market.symbol == trained.market.symbol:
        folder.require_market(MarketRecord.of(store, dataset))
    if config.search.backend == "auto":
        search, _ = settle(model, config.search)
        config = replace(config, search=search)
    return TrainedRun(config, rules, model, name, dataset, store)
