"""What a factored model's worth head is told of an account's rules: bars left, and the cost.

Neither is part of the market, so no latent knows it, and neither is learned: both are known.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from mlx_muzero.config.schema import Config
from mlx_muzero.types import F32, F64, I64

_BAR_COLUMNS = 2
_COST_COLUMNS = 2


@dataclass(frozen=True)
class KnownInputs:
    """The known inputs of one model.

    Attributes:
        session_bars: decisions of a session, where worth depends on how many are left; else 0.
        cost_pips: lowest and highest round trip that worth is learned for; None: one cost alone.
    """

    session_bars: int = 0
    cost_pips: tuple[float, float] | None = None

    @classmethod
    def of(cls, config: Config) -> Self:
        """Those of the model that `config` builds."""
        train = config.train
        return cls(
            config.market.session_bars if config.trading.max_entries else 0,
            (train.cost_low_pips, train.cost_high_pips) if train.cost_high_pips else None,
        )

    @property
    def columns(self) -> int:
        """Number of inputs (I)."""
        return _BAR_COLUMNS * (self.session_bars > 0) + _COST_COLUMNS * (self.cost_pips is not None)

    def discount(self, discount: float) -> float:
        """Of a bar, where `discount` is configured.

        It stands for an end that nobody knows. Where the bars left are known it is 1.
        """
        return 1.0 if self.session_bars else discount

    def learned_cost(self, cost_pips: float) -> float:
        """The round trip nearest to `cost_pips` that worth is learned for.

        Raises:
            ValueError: the cost is no input.
        """
        if self.cost_pips is None:
            raise ValueError("this model has learned one cost")
        return float(np.clip(cost_pips, *self.cost_pips))

    def rows(self, bars_left: I64, cost_pips: F64) -> F32:
        """``f32[n, I]`` inputs, all about between 0 and 1.

        Args:
            bars_left: ``i64[n]`` decisions of the session left, with the present one; not read
                where they are no input.
            cost_pips: ``f64[n]`` round trips in force; not read where they are no input.
        """
        columns: list[F64] = []
        if self.session_bars:
            share = bars_left / self.session_bars
            # The last bars of a session differ most from each other.
            columns += [share, np.log1p(bars_left) / np.log1p(self.session_bars)]
        if self.cost_pips is not None:
            share = cost_pips / max(self.cost_pips[1], 1e-6)
            columns += [share, np.sqrt(share)]
        inputs = np.stack(columns, axis=1) if columns else np.zeros((len(bars_left), 0))
        return inputs.astype(np.float32)

    def spread_rows(self, count: int) -> F32:
        """``f32[count, I]`` from the last bar of a session to its first, at all costs."""
        low, high = self.cost_pips or (0.0, 0.0)
        left = np.linspace(1, max(self.session_bars, 1), count).astype(np.int64)
        return self.rows(left, np.linspace(high, low, count))

    def usual_row(self) -> F32:
        """``f32[1, I]`` in the middle of a session, at the middle cost."""
        low, high = self.cost_pips or (0.0, 0.0)
        return self.rows(np.array([self.session_bars // 2]), np.array([(low + high) / 2.0]))


NOTHING_KNOWN = KnownInputs()
"""For worth that goes on for ever, at one cost."""
