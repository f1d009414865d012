"""Trades of a backtest for a page, and which decisions they came from."""

from collections.abc import Sequence

import numpy as np

from mlx_muzero.config.choices import FillAt
from mlx_muzero.evaluation.backtest import Backtest
from mlx_muzero.evaluation.page.contents import Decisions, Trades
from mlx_muzero.evaluation.session_bars import SessionBars
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import F64, I32, I64

TOOK_OVER, WENT_ON = 1, 2
"""Bits of `Trades.resized`."""


def trades_of(
    played: Backtest,
    bars: SessionBars,
    symbols: Sequence[str],
    decisions: Decisions | None,
    fill: FillAt,
) -> Trades:
    """The trades of `played` in time order, with the number of the decision behind each fill.

    Args:
        played: over the sessions of `bars`.
        bars: of the sessions.
        symbols: of the page's candles.
        decisions: behind the fills; None if they are not shown.
        fill: where actions fill; the time of a fill is that of the bar it happens in.
    """
    trades = played.trades
    session = trades.account.astype(np.int64)
    steps = bars.close_ns.shape[1] - 1
    market = np.array([symbols.index(symbol) for symbol in bars.symbols], np.int32)[session]
    previous = trades.previous
    resized = np.where(previous >= 0, TOOK_OVER, 0)
    resized[previous[previous >= 0]] |= WENT_ON

    def fill_ns(step: I64) -> I64:
        # At a close: in the bar that ends there. At an open: in the bar that begins there.
        begun = bars.close_ns[session, step] - MINUTE_NS
        last = step == steps
        return begun + np.where(last, 0, MINUTE_NS if fill == "next_open" else 0)

    entry, exit_ = (bar - bars.starts[session] for bar in (trades.entry_bar, trades.exit_bar))
    none = np.full(len(trades), -1, np.int32)
    entered = left = none
    if decisions is not None:
        entered = decision_at(decisions, market, bars.close_ns[session, entry] - MINUTE_NS)
        left = decision_at(decisions, market, bars.close_ns[session, exit_] - MINUTE_NS)
        left = np.where(exit_ == steps, none, left).astype(np.int32)
    found = Trades(
        market,
        trades.exposure,
        fill_ns(entry),
        fill_ns(exit_),
        trades.entry_price,
        trades.exit_price,
        trades.gross_pips,
        trades.cost_pips + trades.funding_pips,
        trades.forced.astype(np.int8),
        resized.astype(np.int8),
        entered,
        left,
    )
    order = np.lexsort((found.market, found.entry_ns))
    return Trades(**{name: values[order] for name, values in vars(found).items()})


def decision_at(decisions: Decisions, market: I32, bar_ns: I64) -> I32:
    """``i32[n]`` the decision made for each market at each bar; -1 where there is none."""
    made = zip(decisions.market.tolist(), decisions.bar_ns.tolist(), strict=True)
    number = {key: place for place, key in enumerate(made)}
    wanted = zip(market.tolist(), bar_ns.tolist(), strict=True)
    return np.array([number.get(key, -1) for key in wanted], np.int32)


def market_of(dataset: MarketDataset) -> I32:
    """``i32[P]`` of each configured pair, the number of its candles; -1 without bars."""
    symbols = dataset.symbols
    pairs = dataset.config.pairs
    return np.array([symbols.index(p) if p in symbols else -1 for p in pairs], np.int32)


def net_of_round_trips(played: Backtest) -> F64:
    """``f64[N]`` net of the round trip that each trade belongs to."""
    trip = played.trades.round_trip
    return np.asarray(np.bincount(trip, played.trades.net_pips)[trip], np.float64)
