"""Quality of a trained model's outcome probabilities on the sessions of a split."""

import mlx.core as mx
import numpy as np

from mlx_muzero.evaluation.forecasts import OutcomeForecast, base_rates
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.sessions import spread_evenly
from mlx_muzero.networks.kinds import Model
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.trading.env import observations
from mlx_muzero.trading.positions import FLAT
from mlx_muzero.types import F64, I64

_ROWS_AT_ONCE = 1024


def forecast_outcomes(
    model: Model,
    dataset: MarketDataset,
    rules: TradingRules,
    starts: I64,
    most: int | None = None,
) -> OutcomeForecast:
    """Judge the root's forecast of the next bar at decisions of the sessions at `starts`.

    Uses all decisions, or `most` of them spread evenly. The account is flat and stays flat. Base
    rates are those of the training split.
    """
    steps = np.arange(dataset.config.session_bars)
    bars = (starts[:, None] + steps).ravel()
    if most is not None:
        bars = spread_evenly(bars, most)
    parts = range(0, len(bars), _ROWS_AT_ONCE)
    probabilities = [
        _probabilities(model, dataset, rules, bars[first : first + _ROWS_AT_ONCE])
        for first in parts
    ]
    trained_on = (dataset.evaluation_starts("train")[:, None] + steps).ravel()
    outcomes = dataset.outcomes.astype(np.int64)
    return OutcomeForecast.of(
        np.concatenate(probabilities),
        outcomes[bars + 1],
        base_rates(outcomes[trained_on + 1], model.outcomes),
    )


def _probabilities(model: Model, dataset: MarketDataset, rules: TradingRules, bars: I64) -> F64:
    flat = np.zeros((len(bars), len(rules.position_features)), np.float32)
    latent = model.representation(mx.array(observations(dataset, bars, flat)))
    stay = mx.full((len(bars),), int(rules.table.routes[FLAT, FLAT]), mx.int32)
    logits = model.outcome_logits(latent, stay)
    return np.array(mx.softmax(logits, axis=-1)).astype(np.float64)
