"""Measures a factored model's market chain on the training bars."""

import mlx.core as mx
import numpy as np

from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.sessions import spread_evenly
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.trading.gains import gains, unit_moves
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.types import F64, I64

MEASURED_BARS = 32_768
"""Training bars, spread evenly: enough for every cluster to be followed by a few hundred."""

_ROUNDS = 10
_ROWS_AT_ONCE = 8192
_DISTANCES_AT_ONCE = 1 << 20


def measure_chain(
    model: FactoredModel, dataset: MarketDataset, rules: TradingRules, bars: I64
) -> None:
    """Cluster the latents at training `bars` ``i64[n]``, and count how clusters follow each other.

    Clusters are Lloyd's k-means (1982) of normalized summaries, which start spread evenly over
    their order by expected move. So the result depends on weights and bars alone.
    """
    chain = model.chain
    states = len(chain.centers)
    bars = spread_evenly(bars, MEASURED_BARS)
    now, after = (_summaries(model, dataset, rows) for rows in (bars, bars + 1))
    mean, deviation = now.mean(axis=0), np.maximum(now.std(axis=0), 1e-6)
    normal = (now - mean) / deviation
    order = np.lexsort(normal.T)
    centers = normal[order[np.linspace(0, len(order) - 1, states).round().astype(np.int64)]]
    for _ in range(_ROUNDS):
        centers = _moved(centers, normal, _nearest(normal, centers))
    state, next_state = (_nearest((rows - mean) / deviation, centers) for rows in (now, after))
    count = np.bincount(state * states + next_state, minlength=states**2).reshape(states, states)
    seen = count.sum(axis=1)
    moved = unit_moves(gains(dataset, rules, bars[:, None], final=False)[:, 0], rules)
    # A cluster of which nothing was seen stays where it is and does not move.
    transition = np.where(seen[:, None] > 0, count / np.maximum(seen, 1)[:, None], np.eye(states))
    move = np.bincount(state, moved, states) / np.maximum(seen, 1)
    for name, array in (
        ("mean", mean),
        ("scale", 1.0 / deviation),
        ("centers", centers),
        ("transition", transition),
        ("move", move),
    ):
        setattr(chain, name, mx.array(array.astype(np.float32)))


def _summaries(model: FactoredModel, dataset: MarketDataset, bars: I64) -> F64:
    """``f64[n, 3]`` summaries of the latents at `bars`."""
    parts = []
    for first in range(0, len(bars), _ROWS_AT_ONCE):
        rows = dataset.read_rows(bars[first : first + _ROWS_AT_ONCE], model.history)
        parts.append(np.array(model.summary(model.representation_of_rows(mx.array(rows)))))
    return np.concatenate(parts).astype(np.float64)


def _nearest(rows: F64, centers: F64) -> I64:
    """``i64[n]`` number of the center nearest to each of `rows` ``f64[n, 3]``."""
    length = np.square(centers).sum(axis=1)
    # In parts, because many clusters make a distance for every row and center too large.
    parts = np.array_split(rows, -(-rows.shape[0] * len(centers) // _DISTANCES_AT_ONCE))
    return np.concatenate([(length - 2.0 * (part @ centers.T)).argmin(axis=1) for part in parts])


def _moved(centers: F64, rows: F64, nearest: I64) -> F64:
    """Centers at the mean of the rows nearest to them; one with none stays."""
    states = len(centers)
    seen = np.bincount(nearest, minlength=states)
    sums = np.stack([np.bincount(nearest, column, states) for column in rows.T], axis=1)
    return np.where(seen[:, None] > 0, sums / np.maximum(seen, 1)[:, None], centers)
