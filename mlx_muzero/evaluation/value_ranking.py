"""Whether states a network values highly are followed by high returns."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from mlx_muzero.evaluation.rank_correlation import pearson, ranks, spearman
from mlx_muzero.types import F64

GROUPS = 10
RESAMPLES = 500
INTERVAL = (2.5, 97.5)


@dataclass(frozen=True)
class Decile:
    """States between two deciles of the predicted value.

    Attributes:
        predicted: mean value predicted for them.
        realized: mean discounted return that followed.
        count: how many.
    """

    predicted: float
    realized: float
    count: int


@dataclass(frozen=True)
class ValueReport:
    """What predicted values are worth on one split.

    Attributes:
        policy: whose returns they predict.
        sessions: how many were played.
        spearman: rank correlation of predicted value and realized return over all states; None
            where either is constant.
        spearman_low: lower end of its 95 % bootstrap interval over sessions.
        spearman_high: upper end.
        decile_spearman: rank correlation of the ten deciles' means.
        mse: mean squared error of the predicted value.
        variance: of the realized return: the error of predicting its mean.
        deciles: of the predicted value, lowest first.
    """

    policy: str
    sessions: int
    spearman: float | None
    spearman_low: float | None
    spearman_high: float | None
    decile_spearman: float | None
    mse: float
    variance: float
    deciles: tuple[Decile, ...]

    @classmethod
    def of(cls, policy: str, predicted: F64, realized: F64, seed: int = 0) -> Self:
        """Judge values `predicted` ``[E, T]`` for E sessions of T states, returns `realized`."""
        order = np.argsort(predicted.ravel(), kind="stable")
        groups = [group for group in np.array_split(order, GROUPS) if len(group)]
        deciles = tuple(
            Decile(
                predicted=float(predicted.ravel()[group].mean()),
                realized=float(realized.ravel()[group].mean()),
                count=len(group),
            )
            for group in groups
        )
        low, high = _interval(predicted, realized, seed)
        return cls(
            policy=policy,
            sessions=len(predicted),
            spearman=spearman(predicted.ravel(), realized.ravel()),
            spearman_low=low,
            spearman_high=high,
            decile_spearman=spearman(
                np.array([decile.predicted for decile in deciles]),
                np.array([decile.realized for decile in deciles]),
            ),
            mse=float(np.square(predicted - realized).mean()),
            variance=float(realized.var()),
            deciles=deciles,
        )

    @property
    def score(self) -> float:
        """What the best checkpoint has most of."""
        return -math.inf if self.spearman is None else self.spearman

    def as_dict(self) -> dict[str, Any]:
        """The numbers for JSON."""
        return asdict(self)


def _interval(predicted: F64, realized: F64, seed: int) -> tuple[float | None, float | None]:
    """Bootstrap over sessions, whose states are far from independent; ranks are kept."""
    x = ranks(predicted.ravel()).reshape(predicted.shape)
    y = ranks(realized.ravel()).reshape(realized.shape)
    rng, sessions = np.random.default_rng(seed), len(x)
    draws = (rng.integers(sessions, size=sessions) for _ in range(RESAMPLES))
    found = [r for draw in draws if (r := pearson(x[draw].ravel(), y[draw].ravel())) is not None]
    if not found:
        return None, None
    low, high = np.percentile(found, INTERVAL)
    return float(low), float(high)
