"""What a Sharpe ratio is worth: its interval, its probability, and how long it takes to show.

All ratios are per observation, not annualised. Formulas: Bailey and Lopez de Prado, "The Sharpe
Ratio Efficient Frontier" (Journal of Risk 15(2), 2012) and "The Deflated Sharpe Ratio" (Journal of
Portfolio Management 40(5), 2014); the standard error is that of Mertens (2002), which Opdyke (2007)
shows to hold for returns that are stationary and ergodic.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Self

import numpy as np

from mlx_muzero.types import F64

CONFIDENCE = 0.95
"""Level at which something counts as shown."""

_NORMAL = NormalDist()
_EULER_GAMMA = 0.5772156649015329


@dataclass(frozen=True)
class Sharpe:
    """A measured Sharpe ratio and the moments that its error depends on.

    Attributes:
        ratio: mean over standard deviation.
        observations: number of observations.
        skewness: third standardised moment.
        kurtosis: fourth standardised moment, 3 for a normal distribution.
    """

    ratio: float
    observations: int
    skewness: float = 0.0
    kurtosis: float = 3.0

    @classmethod
    def of(cls, returns: F64) -> Self:
        """Measure `returns` ``f64[T]``; a ratio of 0 if they do not vary."""
        count = len(returns)
        centered = returns - returns.mean()
        spread = float(np.sqrt(np.square(centered).mean()))
        if count < 2 or spread <= 1e-12 * float(np.abs(returns).max(initial=0.0)):
            return cls(0.0, count)
        standard = centered / spread
        deviation = spread * math.sqrt(count / (count - 1))
        skewness, kurtosis = float((standard**3).mean()), float((standard**4).mean())
        return cls(float(returns.mean()) / deviation, count, skewness, kurtosis)

    @property
    def _variance(self) -> float:
        """Variance of the ratio's estimate, times the observations less one."""
        found = 1.0 - self.skewness * self.ratio + (self.kurtosis - 1.0) / 4.0 * self.ratio**2
        return max(found, 0.0)

    @property
    def standard_error(self) -> float:
        """Standard error of the ratio; infinite with fewer than two observations."""
        if self.observations < 2:
            return math.inf
        return math.sqrt(self._variance / (self.observations - 1))

    def interval(self, confidence: float = CONFIDENCE) -> tuple[float, float]:
        """Two-sided interval of the ratio."""
        around = _NORMAL.inv_cdf(0.5 + confidence / 2.0) * self.standard_error
        return self.ratio - around, self.ratio + around

    def probability_above(self, benchmark: float) -> float:
        """Probabilistic Sharpe ratio: how likely the true ratio exceeds `benchmark`."""
        error = self.standard_error
        if not math.isfinite(error):
            return 0.5
        if error == 0.0:
            return float(self.ratio > benchmark)
        return _NORMAL.cdf((self.ratio - benchmark) / error)

    def observations_needed(self, benchmark: float, confidence: float = CONFIDENCE) -> float:
        """Minimum track record: how many observations would show the ratio to exceed `benchmark`.

        Infinite if it does not.
        """
        if self.ratio <= benchmark:
            return math.inf
        z = _NORMAL.inv_cdf(confidence)
        return 1.0 + self._variance * (z / (self.ratio - benchmark)) ** 2


def expected_best(trials: float, deviation: float) -> float:
    """Expected largest Sharpe ratio of `trials` independent ones without skill.

    Args:
        trials: how many; need not be whole.
        deviation: standard deviation of their ratios.
    """
    if trials <= 1.0:
        return 0.0
    one = _NORMAL.inv_cdf(1.0 - 1.0 / trials)
    other = _NORMAL.inv_cdf(1.0 - 1.0 / (trials * math.e))
    return max(deviation * ((1.0 - _EULER_GAMMA) * one + _EULER_GAMMA * other), 0.0)


def independent_trials(trials: int, correlation: float) -> float:
    """How many independent trials so many are worth whose mean correlation is `correlation`."""
    shared = min(max(correlation, 0.0), 1.0)
    return shared + (1.0 - shared) * trials
