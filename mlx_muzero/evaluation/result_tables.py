"""Results as tables: sessions, trades, the agents' equity and decisions, and daily returns.

Times are UTC; a fill's is that of the close it was decided at, which is the open of the next bar.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from mlx_muzero.evaluation.backtest import Backtest
from mlx_muzero.evaluation.session_bars import SessionBars
from mlx_muzero.timeunits import DAY_NS
from mlx_muzero.trading.costs import BASIS_POINT
from mlx_muzero.types import F64, I64

Columns: TypeAlias = dict[str, npt.NDArray[Any]]
Tables: TypeAlias = dict[str, Columns]


def result_tables(
    played: Mapping[str, Backtest],
    agents: Sequence[str],
    bars: SessionBars,
    unit: str,
    actions: Sequence[str],
) -> Tables:
    """All tables of policies that played the same sessions.

    Args:
        played: by policy.
        agents: names of those whose equity and decisions are kept minute by minute.
        bars: of the sessions.
        unit: of net figures, "pips" or "bps", which names their columns.
        actions: names of the actions.
    """
    judged = {name: played[name] for name in agents}
    return {
        "sessions": _stacked({n: _sessions(each, bars, unit) for n, each in played.items()}),
        "trades": _stacked({n: _trades(each, bars, unit) for n, each in played.items()}),
        "equity": _stacked({n: _equity(each, bars, unit) for n, each in judged.items()}),
        "decisions": _stacked({n: _decisions(each, bars, actions) for n, each in judged.items()}),
        "returns": daily_returns(played, bars),
    }


def windows_of(parts: Sequence[Tables]) -> Tables:
    """Tables of several tests, one after another, with the number of each, from 1, as `window`.

    Returns are one series for all: a day on which one test ends and the next begins has one row.
    """
    numbered = {
        name: _rows_after(
            [
                {"window": np.full(_rows(part[name]), number), **part[name]}
                for number, part in enumerate(parts, 1)
            ]
        )
        for name in parts[0]
    }
    return numbered | {"returns": _by_day([part["returns"] for part in parts])}


def daily_returns(played: Mapping[str, Backtest], bars: SessionBars) -> Columns:
    """Returns of each UTC day on which sessions began, a column for each policy.

    As a fraction of what a position of exposure 1 in every symbol is worth: what QuantStats and
    pandas expect of a series of returns.
    """
    day, place = np.unique(bars.close_ns[:, 0] // DAY_NS, return_inverse=True)
    worth = bars.pip_size / bars.close[:, 0] if bars.pip_size else BASIS_POINT
    symbols = len(set(bars.symbols))
    columns: Columns = {"date": (day * DAY_NS).astype("datetime64[ns]")}
    for name, each in played.items():
        earned = each.equity_pips[:, -1] * worth
        columns[name] = np.bincount(place, earned, minlength=len(day)) / symbols
    return columns


def _by_day(parts: Sequence[Columns]) -> Columns:
    """Returns of all `parts` in one row for each day."""
    columns = _rows_after(parts)
    date, place = np.unique(columns.pop("date"), return_inverse=True)
    return {"date": date} | {
        name: np.bincount(place, earned, minlength=len(date)) for name, earned in columns.items()
    }


def _sessions(played: Backtest, bars: SessionBars, unit: str) -> Columns:
    count = len(bars.starts)
    trips = np.unique(played.trades.round_trip, return_index=True)[1]
    return {
        "session": np.arange(count),
        "symbol": _texts(bars.symbols),
        "first_time": _times(bars.close_ns[:, 0]),
        "last_time": _times(bars.close_ns[:, -1]),
        "trades": np.bincount(played.trades.account[trips], minlength=count),
        f"net_{unit}": played.equity_pips[:, -1],
    }


def _trades(played: Backtest, bars: SessionBars, unit: str) -> Columns:
    trades = played.trades
    session = trades.account.astype(np.int64)
    first = bars.starts[session]
    return {
        "session": session,
        "symbol": _texts([bars.symbols[one] for one in session]),
        "round_trip": trades.round_trip,
        "entry_time": _times(bars.close_ns[session, trades.entry_bar - first]),
        "exit_time": _times(bars.close_ns[session, trades.exit_bar - first]),
        "exposure": trades.exposure,
        "entry_price": trades.entry_price,
        "exit_price": trades.exit_price,
        f"gross_{unit}": trades.gross_pips,
        f"cost_{unit}": trades.cost_pips,
        f"funding_{unit}": trades.funding_pips,
        f"net_{unit}": trades.net_pips,
        "forced": trades.forced,
    }


def _equity(played: Backtest, bars: SessionBars, unit: str) -> Columns:
    return {
        **_minutes(bars, bars.close_ns[:, 1:]),
        f"equity_{unit}": played.equity_pips.ravel(),
    }


def _decisions(played: Backtest, bars: SessionBars, actions: Sequence[str]) -> Columns:
    return {
        **_minutes(bars, bars.close_ns[:, :-1]),
        "close": bars.close[:, :-1].ravel(),
        "action": np.array(actions, object)[played.actions.ravel()],
        "reward": played.reward.ravel(),
    }


def _minutes(bars: SessionBars, times: I64) -> Columns:
    count, steps = times.shape
    return {
        "session": np.repeat(np.arange(count), steps),
        "symbol": np.repeat(_texts(bars.symbols), steps),
        "time": _times(times.ravel()),
    }


def _stacked(parts: Mapping[str, Columns]) -> Columns:
    """The rows of every policy, its name first."""
    return _rows_after(
        [{"policy": _texts([name] * _rows(part)), **part} for name, part in parts.items()]
    )


def _rows_after(parts: Sequence[Columns]) -> Columns:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _rows(columns: Columns) -> int:
    return len(next(iter(columns.values())))


def _texts(texts: Sequence[str]) -> npt.NDArray[Any]:
    return np.array(texts, object)


def _times(time_ns: I64 | F64) -> npt.NDArray[Any]:
    return np.asarray(time_ns).astype("datetime64[ns]")
