"""The record of closed trades, as columns."""

from dataclasses import dataclass, fields

import numpy as np

from mlx_muzero.types import F64, I32, I64, Bool


@dataclass(frozen=True, eq=False)
class Trades:
    """Closed trades in the order they closed, N of them.

    A trade is a stretch of constant exposure, so its gross can be computed again from its prices.

    Attributes:
        account: ``i32[N]`` index into the batch.
        exposure: ``f64[N]`` signed exposure held (+1 long, -1 short).
        entry_bar: ``i64[N]`` bar at whose close the trade was entered.
        exit_bar: ``i64[N]`` bar at whose close it was left.
        entry_price: ``f64[N]`` price it was entered at.
        exit_price: ``f64[N]`` price it was left at.
        gross_pips: ``f64[N]`` before costs.
        cost_pips: ``f64[N]`` of the fills that took the exposure on and gave it up.
        funding_pips: ``f64[N]`` funding paid, negative if received.
        forced: ``bool[N]`` closed by the end of the session rather than by an action.
    """

    account: I32
    exposure: F64
    entry_bar: I64
    exit_bar: I64
    entry_price: F64
    exit_price: F64
    gross_pips: F64
    cost_pips: F64
    funding_pips: F64
    forced: Bool

    def __len__(self) -> int:
        return len(self.account)

    @property
    def side(self) -> I32:
        """``i32[N]`` +1 long or -1 short."""
        return np.sign(self.exposure).astype(np.int32)

    @property
    def net_pips(self) -> F64:
        """``f64[N]`` pips after costs and funding."""
        return self.gross_pips - self.cost_pips - self.funding_pips

    @property
    def bars_held(self) -> I64:
        """``i64[N]`` bars from entry to exit."""
        return self.exit_bar - self.entry_bar

    @property
    def round_trip(self) -> I64:
        """``i64[N]`` which stretch of one side, of one account, each trade is part of.

        Stretches are numbered by their first trade. A change of exposure that stays on its side
        ends a trade and no round trip; neither does it decide whether one won.
        """
        by_account, goes_on = self._links()
        begins = np.flatnonzero(np.concatenate([np.ones(min(len(self), 1), np.bool_), ~goes_on]))
        first = np.empty(len(self), np.int64)
        first[by_account] = np.repeat(by_account[begins], np.diff([*begins, len(self)]))
        return np.unique(first, return_inverse=True)[1].astype(np.int64)

    @property
    def previous(self) -> I64:
        """``i64[N]`` the trade of the same round trip that each one resized; -1 for none."""
        by_account, goes_on = self._links()
        previous = np.full(len(self), -1, np.int64)
        previous[by_account[1:][goes_on]] = by_account[:-1][goes_on]
        return previous

    @property
    def turnover(self) -> F64:
        """``f64[N]`` exposure that the fills of each trade took on and gave up."""
        size, previous = abs(self.exposure), self.previous
        resized = np.flatnonzero(previous >= 0)
        kept = np.zeros(len(self))
        for trade, other in ((resized, previous[resized]), (previous[resized], resized)):
            kept[trade] += np.minimum(size[trade], size[other])
        return np.asarray(2.0 * size - kept)

    def _links(self) -> tuple[I64, Bool]:
        """``i64[N]`` trades by account, and whether each but the last is resized by the next."""
        by_account = np.argsort(self.account, kind="stable")
        last, here = by_account[:-1], by_account[1:]
        goes_on = (
            (self.account[last] == self.account[here])
            & (self.side[last] == self.side[here])
            & (self.exit_bar[last] == self.entry_bar[here])
        )
        return by_account, goes_on

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
    "funding_pips": np.zeros(0, np.float64),
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
