"""Funding: what a perpetual contract pays at known times, as it was settled or by a fixed rate."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from mlx_muzero.config.choices import FundingFrom
from mlx_muzero.config.local_times import DailyTimes
from mlx_muzero.config.schema import TradingConfig
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.passing import times_passed
from mlx_muzero.trading.costs import BASIS_POINT
from mlx_muzero.types import F64, I64

_ALL = slice(None)


@dataclass(frozen=True)
class Funding:
    """When funding is due and what it then costs.

    Attributes:
        source: "settled", as the market's settlements came; or "fixed".
        times: when it is due, by a fixed rate or for those who plan; None: nobody expects any.
        bps: the fixed rate, in basis points of the position's value.
    """

    source: FundingFrom = "settled"
    times: DailyTimes | None = None
    bps: float = 0.0

    @classmethod
    def of(cls, source: FundingFrom, at: str, bps: float) -> Self:
        """Funding as settings write it.

        Raises:
            ValueError: the times cannot be read.
        """
        return cls(source, DailyTimes.parse(at) if at else None, bps)

    @classmethod
    def from_config(cls, trading: TradingConfig) -> Self:
        """The configured one."""
        return cls.of(trading.funding, trading.funding_at, trading.funding_bps)

    def __post_init__(self) -> None:
        """Check that a fixed rate has times.

        Raises:
            ValueError: it has none.
        """
        if self.source == "fixed" and self.times is None:
            raise ValueError("a fixed funding needs the times at which it is due")

    @property
    def fixed_rate(self) -> float:
        """Share of a long position's value that is paid at each of the times; 0 if settled."""
        return self.bps * BASIS_POINT if self.source == "fixed" else 0.0

    @property
    def follows_settlements(self) -> bool:
        """Whether those to come are expected to cost what was announced, or settled last."""
        return self.source == "settled" and self.times is not None

    @property
    def expected(self) -> bool:
        """Whether a plan knows of payments to come."""
        return self.follows_settlements or self.fixed_rate != 0.0

    @property
    def note(self) -> str:
        """What differs from paying settlements that nobody expects, in words; empty if nothing."""
        if self.times is None:
            return ""
        if self.source == "settled":
            return f"funding as settled, planned for at {self.times}"
        return f"funding of {self.bps:g} bps at {self.times}"

    def note_on(self, dataset: MarketDataset) -> str:
        """`note`, and at how many of the dataset's bars an announced rate is known, if at any."""
        known = float(np.isfinite(dataset.funding_announced).mean())
        if not self.follows_settlements or not known:
            return self.note
        return f"{self.note} at announced rates, which {known:.0%} of the bars know"

    @property
    def unpaid(self) -> Self:
        """Nothing is paid, where this is known beforehand."""
        return self if self.times is None else replace(self, source="fixed", bps=0.0)

    def rates(self, dataset: MarketDataset, bars: I64 | slice = _ALL) -> F64:
        """Share of a long position's value that is paid within `bars`, mostly 0.

        Args:
            dataset: the market.
            bars: ``i64[...]``; by default all.

        Returns:
            ``f64`` of their shape.
        """
        if self.source == "settled" or self.times is None:
            return np.asarray(dataset.funding_rate[bars])
        return np.asarray(dataset.passing.times(self.times)[bars] * self.fixed_rate)

    def rate_between(self, before_ns: int, after_ns: int, settled: float) -> float:
        """The same within a bar that opens at `after_ns`, where the market settled `settled`.

        The bar before it opened at `before_ns`.
        """
        if self.source == "settled" or self.times is None:
            return settled
        (times,) = times_passed(self.times, np.array([before_ns]), np.array([after_ns]))
        return float(times * self.fixed_rate)
