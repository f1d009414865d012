"""How much the errors at each bar count, where a quiet market tells more than a wild one.

What a bar earns has a variance that differs a hundredfold between nights and crises, while what of
it can be forecast hardly does. So errors are measured in the volatility known at their bar: least
squares weighted by the inverse of the variance (Aitken 1935) have the least noise.
"""

import numpy as np

from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.observation.rolling import rolling_deviations
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.trading.costs import pip_price
from mlx_muzero.types import F32, I64

_LEAST_SHARE = 0.1
"""Of the median volatility: a market that stands still is not infinitely sure."""


def bar_weights(dataset: MarketDataset, pip_size: float, bars: I64, volatility_bars: int) -> F32:
    """``f32[T]`` weights of squared errors at each bar, of mean 1 over `bars`.

    Args:
        dataset: the market.
        pip_size: price of one pip; 0 where a pip is a basis point of the price.
        bars: ``i64[n]`` that are learned from.
        volatility_bars: changes whose root mean square is a bar's volatility; 0: all count alike.
    """
    if not volatility_bars:
        return np.ones(len(dataset.close), np.float32)
    changes = np.zeros(len(dataset.close))
    changes[1:] = np.diff(dataset.close) / pip_price(dataset.close[:-1], pip_size)
    step_ns = np.diff(dataset.open_time_ns)
    # A pair's first bar changes from none, and what moved a market while it was shut is no noise
    # of its minutes.
    changes[1:][(step_ns <= 0) | (step_ns > dataset.config.max_gap_minutes * MINUTE_NS)] = 0.0
    deviation = rolling_deviations(changes, (volatility_bars,))[0]
    median = max(float(np.nanmedian(deviation[bars])), 1e-6)
    deviation = np.fmax(np.nan_to_num(deviation, nan=median), _LEAST_SHARE * median)
    weights = np.square(median / deviation)
    return np.asarray(weights / weights[bars].mean(), np.float32)
