"""Whether outcomes come as often as the networks say."""

from dataclasses import dataclass

import mlx.core as mx
import numpy as np

from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.trading.env import observations
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.types import F32, I64

BINS = 10
BARS = 512
"""Bars that are looked at: a share of 0.1 is then known to some 0.01."""

_WAIT = 0  # the first action of every table leaves a flat account flat


@dataclass(frozen=True)
class Calibration:
    """Predicted probabilities beside what happened; C outcomes, up to `BINS` bins.

    Attributes:
        predicted: [C] mean probability of each outcome.
        realized: [C] share of each.
        bin_predicted: mean probability in each bin of probabilities, of all outcomes together.
        bin_realized: share of those that came true.
        bin_count: how many fell into it.
        error: mean distance of the two over the bins, weighted by count (expected calibration
            error, Naeini et al. 2015).
    """

    predicted: list[float]
    realized: list[float]
    bin_predicted: list[float]
    bin_realized: list[float]
    bin_count: list[int]
    error: float


def calibrate(probability: F32, outcome: I64) -> Calibration:
    """Calibration of `probability` ``f32[n, C]`` for outcomes ``[n]`` that came."""
    happened = np.eye(probability.shape[1])[outcome]
    share = np.asarray(probability, np.float64)
    place = np.minimum((share * BINS).astype(np.int64), BINS - 1).ravel()
    count = np.bincount(place, minlength=BINS)
    filled = count > 0
    mean = np.bincount(place, share.ravel(), BINS)[filled] / count[filled]
    came = np.bincount(place, happened.ravel(), BINS)[filled] / count[filled]
    return Calibration(
        predicted=share.mean(axis=0).tolist(),
        realized=happened.mean(axis=0).tolist(),
        bin_predicted=mean.tolist(),
        bin_realized=came.tolist(),
        bin_count=count[filled].tolist(),
        error=float((np.abs(mean - came) * count[filled]).sum() / count.sum()),
    )


def outcome_calibration(
    model: StochasticMuZero, dataset: MarketDataset, rules: TradingRules, starts: I64
) -> Calibration:
    """Calibration for a flat account that waits, over bars of the sessions at `starts`."""
    steps = max(1, BARS // len(starts))
    inside = np.linspace(0, dataset.config.session_bars - 1, steps).astype(np.int64)
    bar = (starts[:BARS, None] + inside).ravel()
    flat = np.zeros((len(bar), len(rules.position_features)), np.float32)
    latent = model.representation(mx.array(observations(dataset, bar, flat)))
    logits = model.outcome_logits(latent, mx.full(len(bar), _WAIT, mx.int32))
    probability = np.array(mx.softmax(logits, axis=-1))
    return calibrate(probability, dataset.outcomes[bar + 1].astype(np.int64))
