"""Everything the environment reads about one market, computed once from its bars."""

from dataclasses import dataclass

from mlx_muzero.config import MarketConfig
from mlx_muzero.market.bars import Bars
from mlx_muzero.market.features import market_features
from mlx_muzero.market.outcomes import outcome_labels
from mlx_muzero.market.sessions import (
    Split,
    require_sessions,
    separate_sessions,
    session_starts,
    spread_evenly,
)
from mlx_muzero.types import F32, F64, I8, I64


@dataclass(frozen=True, eq=False)
class MarketDataset:
    """Bars of one symbol with their features and outcomes.

    Attributes:
      config: how sessions and splits are cut.
      open_time_ns: ``[T]`` UTC open of each bar.
      close: ``[T]`` price at which decisions of the bar are executed.
      features: ``[T, 9]`` `market.features.FEATURE_NAMES`; NaN rows while warming up.
      outcomes: ``[T]`` `market.outcomes.OUTCOME_NAMES` of each bar; -1 while warming up.
    """

    config: MarketConfig
    open_time_ns: I64
    close: F64
    features: F32
    outcomes: I8

    @classmethod
    def from_bars(cls, bars: Bars, config: MarketConfig) -> "MarketDataset":
        """Features and outcomes of `bars`."""
        return cls(
            config=config,
            open_time_ns=bars.open_time_ns,
            close=bars.close,
            features=market_features(bars.open_time_ns, bars.close, config.pip_size),
            outcomes=outcome_labels(bars.close),
        )

    def training_starts(self) -> I64:
        """Every start of a training session, overlapping ones included, ``i64[n]``."""
        starts = session_starts(self.open_time_ns, self.config, "train")
        return require_sessions(starts, self.config.symbol, "train", self.config)

    def evaluation_starts(self, split: Split, count: int | None = None) -> I64:
        """Starts of sessions that share no step, at most `count` spread evenly, ``i64[m]``."""
        starts = session_starts(self.open_time_ns, self.config, split)
        starts = separate_sessions(starts, self.config.session_bars)
        require_sessions(starts, self.config.symbol, split, self.config)
        return starts if count is None else spread_evenly(starts, count)
