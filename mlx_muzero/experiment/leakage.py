"""The leakage test of a configuration's bars, or of a run's bars and agent."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from mlx_muzero.config.schema import Config
from mlx_muzero.evaluation import leakage
from mlx_muzero.evaluation.agent_policies import AGENT, NetworkPolicy, SearchPolicy
from mlx_muzero.evaluation.baselines import RandomPolicy, mean_reversion, momentum
from mlx_muzero.evaluation.leakage import LeakageReport
from mlx_muzero.evaluation.policy import Policy
from mlx_muzero.experiment.loading import load_histories, settled
from mlx_muzero.experiment.trained_run import TrainedRun
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.history import PairHistory
from mlx_muzero.trading.core import TradingRules


@dataclass(frozen=True, eq=False)
class LeakageTest:
    """What is tested: bars, the features made from them, and policies that trade on these.

    Attributes:
        config: features and trading rules.
        histories: bars and series of each pair.
        store: where these come from.
        policies: policies that play up to each cut.
    """

    config: Config
    histories: list[PairHistory]
    store: Path
    policies: tuple[Policy, ...]

    @classmethod
    def of_config(cls, config: Config, database: Path | None = None) -> Self:
        """Test the bars of `config`, from the store at `database`, with scripted policies.

        Raises:
            DataError: the store lacks the bars.
        """
        config = settled(config, database)
        histories, store = load_histories(config, database)
        return cls(config, histories, store, _scripted_policies())

    @classmethod
    def of_run(cls, run: TrainedRun) -> Self:
        """Test the bars `run` was trained on, with its agent too, with and without search."""
        period = run.folder.market().period
        histories, store = load_histories(run.config, run.store, period=period)
        agent = run.agent()
        search = SearchPolicy(agent, run.config.search.num_simulations, AGENT)
        network = NetworkPolicy(agent, "agent (raw network)")
        return cls(run.config, histories, store, (*_scripted_policies(), search, network))

    def run(
        self, cuts: int = 16, seed: int = 0, tick: Callable[[], None] = lambda: None
    ) -> LeakageReport:
        """Replace everything after each of `cuts` bars, and compare what was known before.

        Args:
            cuts: number of bars to cut at, spread evenly over the training sessions.
            seed: seed of the replacement bars.
            tick: called after every cut.
        """
        market = self.config.market
        return leakage.check_leakage(
            self.histories,
            lambda changed: MarketDataset.of_pairs(changed, market).loaded_from(self.store),
            TradingRules.from_config(self.config),
            self.policies,
            cuts,
            seed,
            tick,
        )


def _scripted_policies() -> tuple[Policy, ...]:
    return momentum(5), mean_reversion(30), RandomPolicy(seed=0)
