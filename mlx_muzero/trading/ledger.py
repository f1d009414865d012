"""Closed trades as columns, and the ledger that collects them."""

from dataclasses import dataclass, fields

import numpy as np

from mlx_muzero.types import F64, I32, I64, Bool


@dataclass(frozen=True, eq=False)
class Trades:
    """N closed trades, in closing order.

    A trade is a stretch of constant exposure, so its gross can be recomputed from its prices.

    Attributes:
        account: ``i32[N]`` index into the batch.
        exposure: ``f64[N]`` signed exposure held (+1 long, -1 short).
        entry_bar: ``i64[N]`` bar at whose close the trade was opened.
        exit_bar: ``i64[N]`` bar at whose close it was closed.
        entry_price: ``f64[N]`` price of the entry fill.
        exit_price: ``f64[N]`` price of the exit fill.
        gross_pips: ``f64[N]`` pips before costs.
        cost_pips: ``f64[N]`` costs of the fills that added and removed the exposure.
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
        """``i64[N]`` the round trip each trade belongs to: an account's stretch on one side.

        Numbered by their first trade. A change of exposure on the same side ends a trade but not
        the round trip, and a round trip wins or loses as a whole.
        """
        by_account, goes_on = self._links()
        begins = np.flatnonzero(np.concatenate([np.ones(min(len(self), 1), np.bool_), ~goes_on]))
        first = np.empty(len(self), np.int64)
        first[by_account] = np.repeat(by_account[begins], np.diff([*begins, len(self)]))
        return np.unique(first, return_inverse=True)[1].astype(np.int64)

    @property
    def previous(self) -> I64:
        """``i64[N]`` the trade of the same round trip that each trade resized; -1 if none."""
        by_account, goes_on = self._links()
        previous = np.full(len(self), -1, np.int64)
        previous[by_account[1:][goes_on]] = by_account[:-1][goes_on]
        return previous

    @property
    def turnover(self) -> F64:
        """``f64[N]`` exposure added and removed by each trade's fills."""
        size, previous = abs(self.exposure), self.previous
        resized = np.flatnonzero(previous >= 0)
        kept = np.zeros(len(self))
        for trade, other in ((resized, previous[resized]), (previous[resized], resized)):
            kept[trade] += np.minimum(size[trade], size[other])
        return np.asarray(2.0 * size - kept)

    def _links(self) -> tuple[I64, Bool]:
        """``i64[N]`` trades by account, and for all but the last whether the next resizes it."""
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
        """All trades of `parts`, in order; no trades if there are no parts."""
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
    """Collects the closed trades of a batch of sessions, step by step."""

    def __init__(self) -> None:
        self._parts: list[Trades] = []

    def record(self, trades: Trades) -> None:
        """Append `trades`, keeping their arrays without a copy."""
        if len(trades):
            self._parts.append(trades)

    def drain(self) -> Trades:
        """Return and clear the trades recorded so far."""
        trades = self.trades()
        self._parts.clear()
        return trades

    def trades(self) -> Trades:
        """The trades recorded so far."""
        return Trades.concatenate(self._parts)
