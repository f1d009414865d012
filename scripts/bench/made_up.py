"""Names and bars of made-up currency pairs."""

import numpy as np

from mlx_muzero.market.bars import Bars
from mlx_muzero.timeunits import DAY_NS, MINUTE_NS
from mlx_muzero.types import F64

_CODES = ("USD", "EUR", "GBP", "CHF", "AUD", "NZD", "CAD")
NAMES = [base + quote for base in _CODES for quote in _CODES if base != quote]
MONDAY_NS = 4 * DAY_NS + 2000 * 7 * DAY_NS


def bars_of(name: str, seed: int, count: int) -> Bars:
    """Bars of a random walk, one a minute from a Monday on."""
    steps = np.random.default_rng(seed).integers(-3, 4, count).astype(np.float64)
    close: F64 = 1.1 + 1e-5 * np.cumsum(steps)
    opened = np.concatenate([close[:1], close[:-1]])
    return Bars(
        name,
        MONDAY_NS + MINUTE_NS * np.arange(count, dtype=np.int64),
        opened,
        np.maximum(opened, close),
        np.minimum(opened, close),
        close,
        np.full(count, np.nan),
    )
