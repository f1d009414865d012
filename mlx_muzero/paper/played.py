"""What was traded over a session's minutes, by the agent or by a baseline, and its metrics.

Days (UTC) stand for sessions. What is called pips there is basis points of one pair's notional
here, so that pairs of different units add up; a position still open counts at its last mark.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mlx_muzero.evaluation.metrics import (
    CRYPTO_BARS_PER_YEAR,
    FX_BARS_PER_YEAR,
    Metrics,
    measure,
)
from mlx_muzero.market.bars import DAY_NS, MINUTE_NS
from mlx_muzero.paper.account import PairAccount
from mlx_muzero.paper.transaction import Row
from mlx_muzero.trading.costs import BASIS_POINT
from mlx_muzero.trading.ledger import Trades
from mlx_muzero.types import F64, I64

_DAY_MINUTES = DAY_NS // MINUTE_NS


@dataclass(frozen=True, eq=False)
class Played:
    """What was traded.

    Attributes:
        accounts: of every pair, as they are at the end.
        closed: rows of the closed trades.
        close_ns: ``i64[M]``, end of every minute marked.
        profit: ``f64[M]``, money made since the beginning, as known then.
        action_counts: ``i64[A]``, how often each action was chosen.
        notional: money behind exposure 1 of a pair.
    """

    accounts: Sequence[PairAccount]
    closed: list[Row]
    close_ns: I64
    profit: F64
    action_counts: I64
    notional: float

    @property
    def trades(self) -> list[Row]:
        """Rows of all trades, the open ones as if closed, for nothing, at their last mark."""
        return self.closed + [_open_trade(account) for account in self.accounts if account.exposure]

    def metrics(self) -> Metrics:
        """In basis points of the notional, a session being a UTC day."""
        rules = self.accounts[0].core.rules
        found = measure(
            self._trades_in_bps(),
            self._daily_bps(),
            self.action_counts,
            rules.table.action_names,
            FX_BARS_PER_YEAR if rules.pip_size else CRYPTO_BARS_PER_YEAR,
        )
        return replace(found, exposure_frac=found.exposure_frac / len(self.accounts))

    @property
    def _basis_point(self) -> float:
        return self.notional * BASIS_POINT

    def _trades_in_bps(self) -> Trades:
        """The trades as those of one account a pair."""
        rows, pairs = self.trades, [account.pair for account in self.accounts]

        def column(name: str, dtype: type) -> Any:
            return np.array([row[name] for row in rows], dtype)

        return Trades(
            account=np.array([pairs.index(row["pair"]) for row in rows], np.int32),
            exposure=column("exposure", np.float64),
            entry_bar=column("entry_bar", np.int64),
            exit_bar=column("exit_bar", np.int64),
            entry_price=column("entry_price", np.float64),
            exit_price=column("exit_price", np.float64),
            gross_pips=column("gross", np.float64) / self._basis_point,
            cost_pips=column("cost", np.float64) / self._basis_point,
            funding_pips=column("funding", np.float64) / self._basis_point,
            forced=np.zeros(len(rows), np.bool_),
        )

    def _daily_bps(self) -> F64:
        """``[days, minutes]``, made since each day began, as known at every minute."""
        made = self.profit / self._basis_point
        first_day, last_day = (self.close_ns[[0, -1]] - 1) // DAY_NS
        ends = np.arange(first_day * _DAY_MINUTES, (last_day + 1) * _DAY_MINUTES) + 1
        known = np.searchsorted(self.close_ns, ends * MINUTE_NS, side="right") - 1
        curve = np.where(known < 0, 0.0, made[np.maximum(known, 0)]).reshape(-1, _DAY_MINUTES)
        begins = np.concatenate([[0.0], curve[:-1, -1]])
        return np.asarray(curve - begins[:, None])


def _open_trade(account: PairAccount) -> Row:
    core, pip_value = account.core, account.pip_value
    paid = {
        "gross": float(core.unrealized_pips[0]),
        "cost": float(core.open_cost_pips[0]),
        "funding": float(core.open_funding_pips[0]),
    }
    paid["net"] = paid["gross"] - paid["cost"] - paid["funding"]
    return {
        "pair": account.pair,
        "exposure": account.exposure,
        "entry_bar": int(core.entry_bar[0]),
        "exit_bar": account.bar,
        "entry_price": account.entry_price,
        "exit_price": account.close,
        **{name: value * pip_value for name, value in paid.items()},
    }
