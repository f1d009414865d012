"""Synthetic markets as they are played: sessions and rules as their truth assumes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mlx_muzero.config.presets import FX_MICRO
from mlx_muzero.market.bars import Bars
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.history import PairHistory
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.trading.costs import Costs
from mlx_muzero.trading.rules import ExposureLimit, TradingRules


def dataset_of(bars: Bars | Sequence[Bars], truth: Mapping[str, Any]) -> MarketDataset:
    """`bars`, of one pair or of each, as fx_micro observes them, in sessions as `truth` assumes."""
    pairs = [bars] if isinstance(bars, Bars) else bars
    names = tuple(Symbol(own.symbol) for own in pairs)
    market = replace(
        FX_MICRO.market,
        symbol=names[0],
        symbols=names if len(names) > 1 else (),
        session_bars=int(truth["session_bars"]),
    )
    dataset = MarketDataset.of_pairs([PairHistory(own, {}) for own in pairs], market)
    return replace(dataset, in_step=exposure_limit_of(truth) is not None)


def costs_of(truth: Mapping[str, Any]) -> Costs:
    """What fills cost where `truth` holds."""
    return Costs(
        float(truth["round_trip_cost_pips"]),
        clock_minutes=int(truth.get("cost_clock_minutes", 0)),
        clock_pips=float(truth.get("cost_clock_pips", 0.0)),
    )


def max_entries_of(truth: Mapping[str, Any]) -> int:
    """Entries that a session allows where `truth` holds; 0: any number."""
    return int(truth.get("max_entries", 0))


def exposure_limit_of(truth: Mapping[str, Any]) -> ExposureLimit | None:
    """What the market's pairs may hold together where `truth` holds; None: anything."""
    if "max_total_exposure" not in truth:
        return None
    return ExposureLimit(float(truth["max_total_exposure"]), int(truth["pairs"]))


def rules_of(truth: Mapping[str, Any]) -> TradingRules:
    """fx_micro's rules, at the costs, pip and limits that `truth` assumes."""
    pip_size = float(truth["parameters"]["pip_size"])
    return replace(
        TradingRules.from_config(FX_MICRO),
        costs=costs_of(truth),
        pip_size=pip_size,
        max_entries=max_entries_of(truth),
        exposure_limit=exposure_limit_of(truth),
    )
