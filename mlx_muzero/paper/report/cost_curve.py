"""What a session's trades would have earned at other costs, by the share of what they paid.

The costs of a session's pairs are in different units, so all of them are scaled together.
"""

import numpy as np

from mlx_muzero.evaluation.cost_sweep import LEVELS, CostCurve
from mlx_muzero.evaluation.session_groups import SessionGroups
from mlx_muzero.paper.report.performance import Performance
from mlx_muzero.types import F64

SHARES: tuple[float, ...] = tuple(np.linspace(0.0, 2.0, LEVELS).tolist())
"""Shares of the costs paid that are swept."""


def cost_curve(played: Performance) -> CostCurve:
    """Net of `played` in bps a day, by the shares of its costs; funding stays as it was.

    A trade counts on the day of its entry.
    """
    trades, days = played.trades, len(played.days_ns)
    day = np.maximum(np.searchsorted(played.days_ns, trades.entry_ns, side="right") - 1, 0)

    def by_day(made: F64) -> F64:
        return np.bincount(day, made / played.basis_point, days).astype(np.float64)

    gross = by_day(trades.gross) - by_day(trades.funding)
    return CostCurve.of(gross, by_day(trades.cost), SHARES, SessionGroups.apart(days))
