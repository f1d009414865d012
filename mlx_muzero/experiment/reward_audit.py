"""The reward audit of the market a configuration names."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from mlx_muzero.config.schema import REWARDS, Config
from mlx_muzero.evaluation import reward_audit
from mlx_muzero.evaluation.reward_audit import SCHEMES, RewardAudit, audited_policies
from mlx_muzero.experiment.loading import costs_of, load_dataset, settled
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.sessions import Split
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.types import I64, Advance


@dataclass(frozen=True, eq=False)
class RewardAuditing:
    """Sessions on which every reward scheme pays every scripted policy.

    Attributes:
        config: trading rules and the discount of returns.
        dataset: bars with features.
        starts: ``i64[n]``, first decision bars of the sessions.
        schemes: names of the rewards, those registered in this process last.
        notes: costs and what the bars lack, in words.
    """

    config: Config
    dataset: MarketDataset
    starts: I64
    schemes: tuple[str, ...]
    notes: tuple[str, ...]

    @classmethod
    def of_config(
        cls,
        config: Config,
        database: Path | None = None,
        split: Split = "train",
        sessions: int | None = 200,
    ) -> Self:
        """Prepare the audit of the bars of `config`, from the store at `database`.

        Args:
            config: the market and its rules.
            database: bar store; None for the default store.
            split: part of the data.
            sessions: maximum number of sessions, spread evenly; None for all.

        Raises:
            DataError: the store lacks the bars, or they contain no session.
        """
        notes: list[str] = []
        config = settled(config, database, notes.append)
        dataset, _ = load_dataset(config, database, tell=notes.append)
        starts = dataset.evaluation_starts(split, sessions)
        told = (*costs_of(config, dataset), *notes)
        return cls(config, dataset, starts, (*SCHEMES, *REWARDS), told)

    @property
    def decisions(self) -> int:
        """Number of decisions the audit takes."""
        plays = len(self.schemes) * len(audited_policies())
        return plays * len(self.starts) * self.config.market.session_bars

    def run(self, tick: Advance = lambda _decisions: None) -> RewardAudit:
        """Play the sessions; `tick` is called with the number of decisions made."""
        rules, discount = TradingRules.from_config(self.config), self.config.search.discount
        return reward_audit.audit_reward(
            self.dataset, rules, self.starts, discount, self.schemes, tick
        )
