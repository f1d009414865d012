"""The trades of a paper session as columns, in money, and the pairs that made them."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np

from mlx_muzero.paper.account import PairAccount
from mlx_muzero.paper.records.transaction import Row
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.types import F64, I32, I64, Bool


@dataclass(frozen=True, eq=False)
class TradedPair:
    """What an account of one pair traded by.

    Attributes:
        symbol: the pair.
        rules: of the account.
        pip_value: money that a pip of exposure 1 is; 0 before its first bar.
        last_bar: index of the last bar marked; -1 before the first.
    """

    symbol: str
    rules: TradingRules
    pip_value: float
    last_bar: int

    @classmethod
    def of(cls, account: PairAccount) -> Self:
        """The pair of `account`, as it is now."""
        return cls(account.pair, account.core.rules, account.pip_value, account.bar)


@dataclass(frozen=True, eq=False)
class SessionTrades:
    """N trades: the closed ones in closing order, then those still open, pair by pair.

    Open ones count as closed at their pair's last mark, at no cost.

    Attributes:
        pair: ``i32[N]`` index into the session's pairs.
        exposure: ``f64[N]`` signed exposure held.
        entry_ns: ``i64[N]`` open of the bar in which each was entered, UTC.
        exit_ns: ``i64[N]`` open of the bar in which it was closed; -1 if it is open.
        entry_bar: ``i64[N]`` last bar marked before the entry; of a pair's first, -1.
        exit_bar: ``i64[N]`` last bar marked before the exit.
        entry_price: ``f64[N]`` price of the entry fill.
        exit_price: ``f64[N]`` price of the exit fill.
        gross: ``f64[N]`` money made before costs.
        cost: ``f64[N]`` money paid for fills.
        funding: ``f64[N]`` money paid for funding and swap, negative if received.
        net: ``f64[N]`` money made after all of them.
    """

    pair: I32
    exposure: F64
    entry_ns: I64
    exit_ns: I64
    entry_bar: I64
    exit_bar: I64
    entry_price: F64
    exit_price: F64
    gross: F64
    cost: F64
    funding: F64
    net: F64

    def __len__(self) -> int:
        return len(self.pair)

    @property
    def still_open(self) -> Bool:
        """``bool[N]`` which are not closed."""
        return np.asarray(self.exit_ns < 0)

    @classmethod
    def of_rows(cls, rows: Sequence[Row], pairs: Sequence[str]) -> Self:
        """Those of rows of the store's table ``trades``, or of `open_trade`.

        Raises:
            LookupError: a row has another pair, or lacks a column.
        """
        place = {pair: number for number, pair in enumerate(pairs)}
        numbered: dict[str, Any] = {"pair": np.array([place[r["pair"]] for r in rows], np.int32)}
        for column in fields(cls)[1:]:
            dtype = np.float64 if column.type is F64 else np.int64
            numbered[column.name] = np.array([row[column.name] for row in rows], dtype)
        return cls(**numbered)

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """All trades of one or more `parts`, in order."""
        return cls(
            **{
                column.name: np.concatenate([getattr(part, column.name) for part in parts])
                for column in fields(cls)
            }
        )

    def take(self, chosen: Bool | I64) -> "SessionTrades":
        """The trades selected by a mask or by indices."""
        return SessionTrades(**{c.name: getattr(self, c.name)[chosen] for c in fields(self)})


def trades_of(rows: Sequence[Row], accounts: Sequence[PairAccount]) -> SessionTrades:
    """The closed trades in `rows`, and those that `accounts` still hold."""
    held = [_open_trade(account) for account in accounts if account.exposure]
    return SessionTrades.of_rows([*rows, *held], [account.pair for account in accounts])


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
        "entry_ns": account.entry_ns,
        "exit_ns": -1,
        "entry_bar": int(core.entry_bar[0]),
        "exit_bar": account.bar,
        "entry_price": account.entry_price,
        "exit_price": account.close,
        **{name: value * pip_value for name, value in paid.items()},
    }
