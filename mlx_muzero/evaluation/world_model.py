"""How well a learned model predicts the market at each step of its unroll.

The model is given the actions and outcomes that really happened before each step (as in training)
and asked for the next outcome, reward, latent state and bar.
"""

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from mlx_muzero.evaluation.forecasts import OutcomeForecast
from mlx_muzero.types import F32, F64, I32, Bool


@dataclass(frozen=True, eq=False)
class Unrolling:
    """What was predicted and what happened along n unrolls of K steps.

    Attributes:
        probabilities: ``f32[n, K, C]`` of the outcomes of each step.
        outcome: ``i32[n, K]`` which happened.
        reward: ``f32[n, K, 2]`` predicted and real.
        latent_distance: ``f32[n, K]`` distance of the next latent state from that of the real
            window, 1 - cosine.
        bar: ``f32[n, K, M]`` market columns of the last bar before each step.
        next_bar: ``f32[n, K, M]`` predicted market columns of the next bar.
        real_bar: ``f32[n, K, M]`` real market columns of the next bar.
        valid: ``bool[n, K]`` whether the step lies inside its session.
    """

    probabilities: F32
    outcome: I32
    reward: F32
    latent_distance: F32
    bar: F32
    next_bar: F32
    real_bar: F32
    valid: Bool


@dataclass(frozen=True)
class StepErrors:
    """Errors of one unrolled step.

    Attributes:
        cross_entropy: mean negative log probability of the outcome, in nats.
        brier: squared errors of the outcome's probabilities, summed (Brier 1950).
        reward_mse: mean squared error of the reward.
        latent_distance: mean of 1 - cosine to the latent state of the real window.
        next_bar_mse: mean squared error of the next bar, over its columns.
        last_value_mse: the same when the last bar is used as the forecast.
    """

    cross_entropy: float
    brier: float
    reward_mse: float
    latent_distance: float
    next_bar_mse: float
    last_value_mse: float


@dataclass(frozen=True)
class ColumnErrors:
    """Mean squared errors of one column of the next bar, one step ahead.

    Attributes:
        model: error of the decoder.
        last_value: error of the last bar's value.
        mean: error of the column's own mean over the same bars.
    """

    model: float
    last_value: float
    mean: float


@dataclass(frozen=True)
class WorldModelReport:
    """Quality of a world model on one split.

    Attributes:
        sessions: number of sessions unrolled.
        unrollings: positions unrolled from, every K-th step of a session.
        outcome: the first step's forecast against base rates of the training split.
        reward_variance: mean squared error of always predicting the mean reward.
        steps: errors by unrolled step, in order.
        columns: the next bar's errors by market column.
    """

    sessions: int
    unrollings: int
    outcome: OutcomeForecast
    reward_variance: float
    steps: tuple[StepErrors, ...]
    columns: dict[str, ColumnErrors]

    @classmethod
    def of(
        cls, unrolling: Unrolling, sessions: int, base_rates: F64, columns: tuple[str, ...]
    ) -> Self:
        """Judge `unrolling` of `sessions` sessions; `base_rates` ``f64[C]``, M names `columns`."""
        forecasts, steps = [], []
        for k in range(unrolling.outcome.shape[1]):
            inside = unrolling.valid[:, k]
            forecast = OutcomeForecast.of(
                unrolling.probabilities[inside, k].astype(np.float64),
                unrolling.outcome[inside, k].astype(np.int64),
                base_rates,
            )
            reward = unrolling.reward[inside, k]
            real = unrolling.real_bar[inside, k]
            forecasts.append(forecast)
            steps.append(
                StepErrors(
                    cross_entropy=forecast.cross_entropy,
                    brier=forecast.brier,
                    reward_mse=_mse(reward[:, 0], reward[:, 1]),
                    latent_distance=float(unrolling.latent_distance[inside, k].mean()),
                    next_bar_mse=_mse(unrolling.next_bar[inside, k], real),
                    last_value_mse=_mse(unrolling.bar[inside, k], real),
                )
            )
        first = unrolling.valid[:, 0]
        real = unrolling.real_bar[first, 0]
        return cls(
            sessions=sessions,
            unrollings=len(unrolling.outcome),
            outcome=forecasts[0],
            reward_variance=float(np.var(unrolling.reward[first, 0, 1], dtype=np.float64)),
            steps=tuple(steps),
            columns={
                name: ColumnErrors(
                    model=_mse(unrolling.next_bar[first, 0, m], real[:, m]),
                    last_value=_mse(unrolling.bar[first, 0, m], real[:, m]),
                    mean=float(np.var(real[:, m], dtype=np.float64)),
                )
                for m, name in enumerate(columns)
            },
        )

    @property
    def score(self) -> float:
        """The figure by which the best checkpoint is chosen; higher is better."""
        return -self.outcome.cross_entropy

    def as_dict(self) -> dict[str, Any]:
        """The numbers for JSON."""
        return asdict(self)


def _mse(predicted: F32, real: F32) -> float:
    return float(np.square(predicted.astype(np.float64) - real).mean())
