"""What the ranks of a distributed training must agree on: the configuration and the bars."""

from dataclasses import asdict

from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.schema import Config
from mlx_muzero.errors import RunError
from mlx_muzero.training.ranks import Ranks
from mlx_muzero.training.run import MarketRecord


def config_of_first(ranks: Ranks, config: Config) -> Config:
    """The first rank's configuration; those of other ranks are ignored."""
    facts = ranks.facts_of_first({"config": config_toml.dumps(config)})
    return config_toml.loads(facts["config"], "the first process's configuration")


def market_of_first(ranks: Ranks, market: MarketRecord | None) -> MarketRecord | None:
    """The market the first rank's run was started with; None for a new run."""
    facts = ranks.facts_of_first({"market": None if market is None else asdict(market)})
    return None if facts["market"] is None else MarketRecord.from_dict(facts["market"])


def require_same_market(ranks: Ranks, market: MarketRecord) -> None:
    """Require this rank's bars to be the same as the first rank's.

    Raises:
        RunError: they differ; the message describes the bars here.
    """
    if ranks.facts_of_first({"digest": market.digest})["digest"] != market.digest:
        raise RunError(
            f"{market.store}: its {market.bars:,} bars of {market.symbol} differ from those "
            "of the first machine. Copy the first machine's bar store here."
        )
