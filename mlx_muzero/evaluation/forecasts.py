"""Quality of outcome probabilities, against what happened and against base rates."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from mlx_muzero.types import F64, I64

BINS = 10
"""Bins of a calibration curve, evenly spaced over [0, 1]."""


@dataclass(frozen=True)
class CalibrationBin:
    """Probabilities in [low, high) (the last bin includes 1), of all outcomes together.

    Attributes:
        low: lower limit of the bin.
        high: upper limit of the bin.
        predicted: mean of the probabilities.
        observed: share of them whose outcome happened.
        count: number of probabilities.
    """

    low: float
    high: float
    predicted: float
    observed: float
    count: int


@dataclass(frozen=True)
class OutcomeForecast:
    """Quality of n forecasts over C outcomes.

    Attributes:
        cross_entropy: mean negative log probability of what happened, in nats.
        base_rate_cross_entropy: the same if base rates are always forecast.
        brier: mean squared error of the probabilities, summed over outcomes (Brier 1950).
        base_rate_brier: the same for base rates.
        predicted: mean probability of each of the C outcomes.
        realized: share of each that happened.
        calibration: the non-empty bins.
        calibration_error: mean distance between predicted and observed over the bins, weighted by
            count (expected calibration error, Naeini et al. 2015).
    """

    cross_entropy: float
    base_rate_cross_entropy: float
    brier: float
    base_rate_brier: float
    predicted: tuple[float, ...]
    realized: tuple[float, ...]
    calibration: tuple[CalibrationBin, ...]
    calibration_error: float

    @classmethod
    def of(cls, probabilities: F64, outcome: I64, base_rates: F64) -> Self:
        """Judge `probabilities` ``f64[n, C]`` by `outcome` ``i64[n]``; `base_rates` ``f64[C]``."""
        happened = np.eye(len(base_rates))[outcome]
        constant = np.broadcast_to(base_rates, happened.shape)
        bins = _calibration(probabilities.ravel(), happened.ravel())
        distances = [bin_.count * abs(bin_.predicted - bin_.observed) for bin_ in bins]
        return cls(
            cross_entropy=_cross_entropy(probabilities, happened),
            base_rate_cross_entropy=_cross_entropy(constant, happened),
            brier=_brier(probabilities, happened),
            base_rate_brier=_brier(constant, happened),
            predicted=tuple(probabilities.mean(axis=0).tolist()),
            realized=tuple(happened.mean(axis=0).tolist()),
            calibration=bins,
            calibration_error=sum(distances) / probabilities.size,
        )


def base_rates(outcomes: I64, count: int) -> F64:
    """Shares ``f64[count]`` of each outcome in `outcomes`, adding one observation of each.

    That keeps them above 0, which would make a cross-entropy infinite (Laplace's rule).
    """
    seen = np.bincount(outcomes, minlength=count) + 1.0
    return np.asarray(seen / seen.sum())


def _cross_entropy(probabilities: F64, happened: F64) -> float:
    likelihood = (probabilities * happened).sum(axis=1)
    return float(-np.log(np.maximum(likelihood, np.finfo(np.float32).tiny)).mean())


def _brier(probabilities: F64, happened: F64) -> float:
    return float(np.square(probabilities - happened).sum(axis=1).mean())


def _calibration(probability: F64, happened: F64) -> tuple[CalibrationBin, ...]:
    place = np.minimum((probability * BINS).astype(np.int64), BINS - 1)
    return tuple(
        CalibrationBin(
            low=index / BINS,
            high=(index + 1) / BINS,
            predicted=float(probability[place == index].mean()),
            observed=float(happened[place == index].mean()),
            count=int((place == index).sum()),
        )
        for index in np.unique(place).tolist()
    )
