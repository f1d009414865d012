"""What a policy earned over time, as far as luck is judged by it: in a backtest or on paper."""

from dataclasses import dataclass

import numpy as np

from mlx_muzero.evaluation.backtest import Backtest
from mlx_muzero.evaluation.metrics import Metrics
from mlx_muzero.trading.ledger import Trades
from mlx_muzero.types import F64, I64


@dataclass(frozen=True, eq=False)
class Course:
    """The results of one policy.

    Attributes:
        metrics: their summary.
        totals: ``f64[T]`` net pips of each observation, in time order.
        begun_ns: ``i64[n]`` when each session or day began, UTC.
        net_pips: ``f64[n]`` of each.
        trades: all that were closed.
        trips_ns: ``i64[R]`` when the session or day of each round trip began.
    """

    metrics: Metrics
    totals: F64
    begun_ns: I64
    net_pips: F64
    trades: Trades
    trips_ns: I64

    @classmethod
    def of(cls, played: Backtest) -> "Course":
        """That of a backtest; sessions that overlap in time are one observation."""
        net, begun = played.equity_pips[:, -1], played.spans_ns[0]
        first = np.unique(played.trades.round_trip, return_index=True)[1]
        session = played.trades.account[first]
        totals = played.groups.totals(net)
        return cls(played.metrics, totals, begun, net, played.trades, begun[session])
