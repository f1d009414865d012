"""At what cost profit disappears: the same decisions with cheaper and costlier fills.

The policies do not decide again. Their trades, made at the costs they were played at, are charged
other costs; an agent trained with or planning at those costs would trade differently.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np

from mlx_muzero.config.presets import CRYPTO
from mlx_muzero.evaluation.backtest import Backtest
from mlx_muzero.evaluation.session_groups import SessionGroups, interval
from mlx_muzero.trading.costs import Costs
from mlx_muzero.trading.ledger import Trades
from mlx_muzero.trading.recosting import recosted
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.types import F64

FX_PIPS = 4.0
"""Highest round trip of the sweep in pips (FX's cost of a trade), unless the run's is higher."""

CRYPTO_BPS = Costs.from_config(CRYPTO.trading).fill_bps
"""Highest cost of a fill in bps, from the crypto presets, unless the run's is higher."""

LEVELS = 9


SweptCost = Literal["round_trip", "fill"]


@dataclass(frozen=True)
class CostCurve:
    """Earnings of one policy's trades as a function of cost.

    Attributes:
        net: mean net pips per session at each cost of the sweep.
        low: lower ends of their 95 % bootstrap intervals over groups of overlapping sessions; None
            with a single group.
        high: upper ends.
        break_even: cost at which the mean is 0, negative if the trades lose even without costs;
            None without a trade. Exact, since net pips are linear in the cost.
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
        """Compute from pips before costs, and pips paid at a cost of 1, per session, ``f64[n]``."""
        means = groups.resampled_means(np.stack([gross, paid], axis=1))
        nets = [means[:, 0] - level * means[:, 1] for level in levels]
        low, high = zip(*(interval(net) for net in nets), strict=True)
        net = tuple(float(gross.mean() - level * paid.mean()) for level in levels)
        if not paid.any():
            return cls(net, low, high, None, None, None)
        # A resample without a trade breaks even at any cost and says nothing.
        traded = means[means[:, 1] > 0.0]
        ends = interval(traded[:, 0] / traded[:, 1])
        return cls(net, low, high, float(gross.sum() / paid.sum()), *ends)


@dataclass(frozen=True)
class CostSweep:
    """Cost curves of several policies.

    Attributes:
        cost: what is swept: the "round_trip" in pips, or every "fill" in bps.
        decided_at: the cost at which the trades were decided; at quotes, what all of them paid on
            average.
        levels: the costs swept.
        curves: cost curve of each policy.
    """

    cost: SweptCost
    decided_at: float
    levels: tuple[float, ...]
    curves: dict[str, CostCurve]


def sweep_costs(backtests: Mapping[str, Backtest], rules: TradingRules) -> CostSweep:
    """Cost curves of backtests under `rules`: in pips per round trip, or bps per fill."""
    kind: SweptCost
    if rules.pip_size:
        kind, decided_at, highest = "round_trip", rules.costs.round_trip_pips, FX_PIPS
        unit_cost = Costs(round_trip_pips=1.0, fill_bps=0.0)
    else:
        kind, decided_at, highest = "fill", rules.costs.fill_bps, CRYPTO_BPS
        unit_cost = Costs(round_trip_pips=0.0, fill_bps=1.0)
    if rules.costs.quoted:
        decided_at = _average_cost(backtests, unit_cost, rules)
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


def _average_cost(
    backtests: Mapping[str, Backtest], unit_cost: Costs, rules: TradingRules
) -> float:
    """The cost, in units of `unit_cost`, at which all trades would have paid what they paid."""
    trades = Trades.concatenate([played.trades for played in backtests.values()])
    units = recosted(trades, unit_cost, rules.pip_size).cost_pips.sum()
    return float(trades.cost_pips.sum() / units) if units else 0.0
