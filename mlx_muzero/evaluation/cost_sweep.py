"""Where profit dies: what the same decisions earn when fills cost less, or more.

The policies do not decide anew. Theirs are the trades made at the costs they were played at, paid
for at other costs; an agent trained or planning at those would trade otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np

from mlx_muzero.config.presets import CRYPTO
from mlx_muzero.evaluation.backtest import Backtest
from mlx_muzero.evaluation.session_groups import SessionGroups, interval
from mlx_muzero.trading.costs import Costs
from mlx_muzero.trading.recosting import recosted
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.types import F64

FX_PIPS = 4.0
"""Highest round trip of the sweep in pips (FX's cost of a trade), unless the run's is higher."""

CRYPTO_BPS = Costs.from_config(CRYPTO.trading).fill_bps
"""Highest cost of a fill in bps, that of the crypto presets, unless the run's is higher."""

LEVELS = 9


SweptCost = Literal["round_trip", "fill"]


@dataclass(frozen=True)
class CostCurve:
    """What one policy's trades earn by their cost.

    Attributes:
        net: mean net pips of a session at each cost of the sweep.
        low: lower ends of their 95 % bootstrap intervals over groups of sessions that overlap; None
            of a single one.
        high: upper ends.
        break_even: cost at which the mean is 0, below 0 if the trades lose without costs too;
            None without a trade. Net pips are linear in it, so it is exact.
        break_even_low: lower end of its interval.
        break_even_high: upper end.
    """

    net: tuple[float, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    break_even: float | None
    break_even_low: float | None
    break_even_high: float | None

    @classmethod
    def of(cls, gross: F64, paid: F64, levels: tuple[float, ...], groups: SessionGroups) -> Self:
        """From each session's pips before costs, and those paid at a cost of 1, both ``f64[n]``."""
        means = groups.resampled_means(np.stack([gross, paid], axis=1))
        nets = [means[:, 0] - level * means[:, 1] for level in levels]
        low, high = zip(*(interval(net) for net in nets), strict=True)
        net = tuple(float(gross.mean() - level * paid.mean()) for level in levels)
        if not paid.any():
            return cls(net, low, high, None, None, None)
        # A resample without a trade breaks even at any cost; it says nothing.
        traded = means[means[:, 1] > 0.0]
        ends = interval(traded[:, 0] / traded[:, 1])
        return cls(net, low, high, float(gross.sum() / paid.sum()), *ends)


@dataclass(frozen=True)
class CostSweep:
    """Cost curves of several policies.

    Attributes:
        cost: what is swept: of a "round_trip" in pips, or of every "fill" in bps.
        decided_at: the cost at which the trades were decided.
        levels: the costs swept.
        curves: net pips at each of them, by policy.
    """

    cost: SweptCost
    decided_at: float
    levels: tuple[float, ...]
    curves: dict[str, CostCurve]


def sweep_costs(backtests: Mapping[str, Backtest], rules: TradingRules) -> CostSweep:
    """Cost curves of backtests played by `rules`: in pips of a round trip, or in bps of a fill."""
    kind: SweptCost
    if rules.pip_size:
        kind, decided_at, highest = "round_trip", rules.costs.round_trip_pips, FX_PIPS
        unit_cost = Costs(round_trip_pips=1.0, fill_bps=0.0)
    else:
        kind, decided_at, highest = "fill", rules.costs.fill_bps, CRYPTO_BPS
        unit_cost = Costs(round_trip_pips=0.0, fill_bps=1.0)
    levels = tuple(np.linspace(0.0, max(highest, decided_at), LEVELS).tolist())

    def curve(played: Backtest) -> CostCurve:
        trades, sessions = played.trades, len(played.equity_pips)

        def by_session(pips: F64) -> F64:
            return np.bincount(trades.account, pips, sessions).astype(np.float64)

        paid = by_session(recosted(trades, unit_cost, rules.pip_size).cost_pips)
        gross = by_session(trades.gross_pips - trades.funding_pips)
        return CostCurve.of(gross, paid, levels, played.groups)

    curves = {name: curve(played) for name, played in backtests.items()}
    return CostSweep(kind, decided_at, levels, curves)
