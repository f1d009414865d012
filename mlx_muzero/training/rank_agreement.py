"""What every rank of a distributed training must have alike: the configuration and the bars."""

from dataclasses import asdict

from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.schema import Config
from mlx_muzero.errors import RunError
from mlx_muzero.training.ranks import Ranks
from mlx_muzero.training.run import MarketRecord


def config_of_first(ranks: Ranks, config: Config) -> Config:
    """The first rank's configuration; those of the others are not looked at."""
    facts = ranks.facts_of_first({"config": config_toml.dumps(config)})
    return config_toml.loads(facts["config"], "the first process's configuration")


def market_of_first(ranks: Ranks, market: MarketRecord | None) -> MarketRecord | None:
    """What the first rank's run was begun with; None of a new run."""
    facts = ranks.facts_of_first({"market": None if market is None else asdict(market)})
    return None if facts["market"] is None else MarketRecord.from_dict(facts["market"])


def require_same_market(ranks: Ranks, market: MarketRecord) -> None:
    """RunError unless this rank's bars are those of the first.

    Raises:
      RunError: it says which bars are here.
    """
    if ranks.facts_of_first({"digest": market.digest})["digest"] != market.digest:
        raise RunError(
            f"{market.store}: its {market.bars:,} bars of {market.symbol} are not those of the "
            "machine that trains first. Copy that machine's bar store here."
        )
