"""A market by calendar years: which sessions and which training bars lie in each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from mlx_muzero.evaluation.rivals.changes import changes_of, fitting_bars
from mlx_muzero.evaluation.rivals.linear_forecast import (
    HORIZONS_BARS,
    LinearForecast,
    fit_forecasts,
)
from mlx_muzero.market.bars import utc_ns
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.sessions import SPLITS, SplitRange
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import F64, I64


@dataclass(frozen=True, eq=False)
class YearlyMarket:
    """One pair's bars over several years (UTC). A year observes the bars of the one before it."""

    dataset: MarketDataset

    def of(self, year: int, *later: int) -> MarketDataset:
        """The same bars, with all splits of the dataset being `year`, or that to a `later` one."""
        end = [year, *later][-1] + 1
        span = SplitRange(utc_ns(f"{year}-01-01"), utc_ns(f"{end}-01-01"), seen_from_ns=0)
        return replace(self.dataset, fixed_ranges=dict.fromkeys(SPLITS, span))

    def starts(self, years: Sequence[int]) -> I64:
        """``i64[n]`` starts of all sessions of `years`."""
        return np.concatenate([self.of(year).evaluation_starts("test") for year in years])

    def bars(self, years: Sequence[int]) -> I64:
        """``i64[n]`` bars of `years` to learn from: no hole follows, which no session crosses."""
        ahead = max(HORIZONS_BARS)
        found = np.concatenate([fitting_bars(self.of(year), "train", ahead) for year in years])
        opens = self.dataset.open_time_ns
        longest_ns = self.dataset.config.max_gap_minutes * MINUTE_NS
        return found[opens[found + 2] - opens[found] <= longest_ns]

    @cached_property
    def changes(self) -> F64:
        """``f64[T]`` changes in pips, as `bar_changes`."""
        return changes_of(self.dataset, self.dataset.config.pip_size)


@dataclass(frozen=True, eq=False)
class Fold:
    """Years to fit on, and those to play.

    Attributes:
        market: the bars.
        fitted: years that are learned from.
        played: years whose sessions are played, none of them fitted.
    """

    market: YearlyMarket
    fitted: tuple[int, ...]
    played: tuple[int, ...]

    @cached_property
    def bars(self) -> I64:
        """``i64[n]`` bars to learn from."""
        return self.market.bars(self.fitted)

    @cached_property
    def starts(self) -> I64:
        """``i64[B]`` starts of the sessions that are played."""
        return self.market.starts(self.played)

    @cached_property
    def forecasts(self) -> tuple[LinearForecast, ...]:
        """Least-squares forecasts fitted on `bars`."""
        return fit_forecasts(self.market.changes, self.bars)


def left_out(market: YearlyMarket, fitted: Sequence[int], chosen: Sequence[int]) -> list[Fold]:
    """For each year of `chosen`, a fold that plays it and fits on the others of `fitted`."""
    return [
        Fold(market, tuple(year for year in fitted if year != played), (played,))
        for played in chosen
    ]
