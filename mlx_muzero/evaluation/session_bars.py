"""The bars of played sessions: their times, closes and symbols, without the dataset."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import F64, I64


@dataclass(frozen=True, eq=False)
class SessionBars:
    """The bars of n sessions, each with its first decision bar and the bars of its steps.

    Attributes:
        starts: ``i64[n]`` indices of the first decision bars.
        symbols: of each session.
        close_ns: ``i64[n, steps + 1]`` UTC times at which the bars end.
        close: ``f64[n, steps + 1]`` their closes.
        pip_size: price of one pip; 0 if basis points are counted.
    """

    starts: I64
    symbols: tuple[str, ...]
    close_ns: I64
    close: F64
    pip_size: float

    @classmethod
    def of(cls, dataset: MarketDataset, starts: I64, pip_size: float) -> Self:
        """The bars of the sessions of `dataset` at `starts` ``i64[n]``."""
        bars = starts[:, None] + np.arange(dataset.config.session_bars + 1)
        symbols = (str(dataset.config.pairs[pair]) for pair in dataset.pair[starts])
        ends = dataset.open_time_ns[bars] + MINUTE_NS
        return cls(starts, tuple(symbols), ends, dataset.close[bars], pip_size)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The sessions of all `parts`, whose `starts` still count in their own datasets."""
        return cls(
            np.concatenate([part.starts for part in parts]),
            tuple(symbol for part in parts for symbol in part.symbols),
            np.concatenate([part.close_ns for part in parts]),
            np.concatenate([part.close for part in parts]),
            parts[0].pip_size,
        )
