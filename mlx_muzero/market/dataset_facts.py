"""What is told of a dataset's pairs beside its columns."""

from collections.abc import Mapping, Sequence
from typing import Any

from mlx_muzero.config.schema import MarketConfig
from mlx_muzero.market.fit import counted_for
from mlx_muzero.market.history import PairHistory


def history_facts(history: PairHistory, config: MarketConfig) -> dict[str, Any]:
    """The attributes of the pair's `MarketDataset` that are no columns."""
    symbol = str(history.bars.symbol)
    points = {name: series.event_ns for name, series in history.series.items() if len(series)}
    return {
        "fx_week": (history.market or counted_for(config)) == "fx",
        "series_from_ns": {symbol: {name: int(ns.min()) for name, ns in points.items()}},
        "series_to_ns": {symbol: {name: int(ns.max()) for name, ns in points.items()}},
    }


def joined_facts(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """`history_facts` of several pairs together."""
    spans = ("series_from_ns", "series_to_ns")
    return {
        "fx_week": all(part["fx_week"] for part in parts),
        **{key: {s: of for part in parts for s, of in part[key].items()} for key in spans},
    }
