"""The record of closed trades, as columns."""

from dataclasses import dataclass, fields

import numpy as np

from mlx_muzero.types import F64, I32, I64, Bool


@dataclass(frozen=True, eq=False)
class Trades:
    """Closed trades in the order they closed; every column is ``[N]``.

    Attributes:
        account: int32, index into the batch.
        exposure: float64, signed exposure held (+1 long, -1 short).
        entry_bar: int64, bar at whose close the trade was entered.
        exit_bar: int64, bar at whose close it was left.
        entry_price: float64.
        exit_price: float64.
        gross_pips: float64, before costs.
        cost_pips: float64, the round trip.
        forced: bool, closed by the end of the session rather than by an action.
    """

    account: I32
    exposure: F64
    entry_bar: I64
    exit_bar: I64
    entry_price: F64
    exit_price: F64
    gross_pips: F64
    cost_pips: F64
    forced: Bool

    def __len__(self) -> int:
        return len(self.account)

    @property
    def side(self) -> I32:
        """``[N]`` int32, +1 long or -1 short."""
        return np.sign(self.exposure).astype(np.int32)

    @property
    def net_pips(self) -> F64:
        """``[N]`` float64, pips after costs."""
        return self.gross_pips - self.cost_pips

    @property
    def bars_held(self) -> I64:
        """``[N]`` int64, bars from entry to exit."""
        return self.exit_bar - self.entry_bar

    @classmethod
    def concatenate(cls, parts: list["Trades"]) -> "Trades":
        """All trades of `parts`, in order; no parts give no trades."""
        return cls(
            **{
                column.name: np.concatenate(
                    [_EMPTY[column.name], *(getattr(part, column.name) for part in parts)]
                )
                for column in fields(cls)
            }
        )

    def take(self, chosen: Bool | I64) -> "Trades":
        """The trades selected by a mask or by indices."""
        return Trades(**{c.name: getattr(self, c.name)[chosen] for c in fields(self)})


_EMPTY = {
    "account": np.zeros(0, np.int32),
    "exposure": np.zeros(0, np.float64),
    "entry_bar": np.zeros(0, np.int64),
    "exit_bar": np.zeros(0, np.int64),
    "entry_price": np.zeros(0, np.float64),
    "exit_price": np.zeros(0, np.float64),
    "gross_pips": np.zeros(0, np.float64),
    "cost_pips": np.zeros(0, np.float64),
    "forced": np.zeros(0, np.bool_),
}


class Ledger:
    """Closed trades of one batch of sessions, appended a step at a time."""

    def __init__(self) -> None:
        self._parts: list[Trades] = []

    def record(self, trades: Trades) -> None:
        """Append `trades` (their arrays are kept, not copied)."""
        if len(trades):
            self._parts.append(trades)

    def drain(self) -> Trades:
        """Everything recorded so far, which is then forgotten."""
        trades = self.trades()
        self._parts.clear()
        return trades

    def trades(self) -> Trades:
        """Everything recorded so far."""
        return Trades.concatenate(self._parts)
