"""Books the fills of a walk: prices, costs, funding and money, by the formulas of an account.

Every sum is taken in the order in which `PairAccount` takes it, so that both agree to the bit.
"""

from dataclasses import dataclass

import numpy as np

from mlx_muzero.paper.account import pip_value
from mlx_muzero.paper.fills import fill_price
from mlx_muzero.paper.report.recorded_pair import RecordedPair
from mlx_muzero.paper.report.session_trades import SessionTrades, TradedPair
from mlx_muzero.paper.report.walk import Walk
from mlx_muzero.paper.settings import PaperSettings
from mlx_muzero.trading.costs import equity_pips, funding_pips, gross_pips, pip_price
from mlx_muzero.trading.positions import FLAT
from mlx_muzero.types import F64, I64


@dataclass(frozen=True, eq=False)
class Booked:
    """What a walk made.

    Attributes:
        traded: the pair.
        trades: its trades; the last one may still be open.
        profit: ``f64[N]`` money made by the close of each bar of the session.
    """

    traded: TradedPair
    trades: SessionTrades
    profit: F64


def book(walked: Walk, recorded: RecordedPair, place: int, settings: PaperSettings) -> Booked:
    """Book what `walked` did with the pair `recorded`, number `place` of the session's."""
    rules, bars, fill = recorded.rules, recorded.session, walked.bar
    size, last = rules.pip_size, len(bars) - 1
    value = 0.0  # of a pair without a bar in the session
    for first in bars.open[:1].tolist():
        pip = float(np.max(pip_price(np.array(first), size)))
        value = pip_value(settings.account.notional, pip, first)

    before, after = rules.table.exposures[walked.before], rules.table.exposures[walked.after]
    opened = bars.open[fill]
    price = fill_price(after - before, opened, pip_price(opened, size), settings.fills)
    # What is held from each fill on, and from which price; before the first fill, nothing.
    held = np.concatenate([[0.0], after])
    entry = np.concatenate([np.ones(1), price])
    spread = _last_known(recorded.session_spread)[fill]
    leaving, entering = rules.fill_pips(before, entry[:-1], after, price, spread)
    fills_by = np.searchsorted(fill, np.arange(len(bars)), side="right")
    funding = _funding(recorded, held[fills_by], entry[fills_by], fills_by)

    begun = np.flatnonzero(walked.after != FLAT)  # a trade ends with the next fill, if there is one
    exit_bar = np.append(fill[1:] - 1, last)[begun]
    exit_price = np.append(price[1:], bars.close[-1:])[begun]
    gross = gross_pips(after[begun], price[begun], exit_price, pip_price(price[begun], size))
    cost = entering[begun] + np.append(leaving[1:], 0.0)[begun]
    paid = funding[exit_bar]
    net = gross - cost - paid
    trades = SessionTrades(
        pair=np.full(len(begun), place, np.int32),
        exposure=after[begun],
        entry_ns=bars.open_time_ns[fill[begun]],
        exit_ns=np.append(bars.open_time_ns[fill[1:]], -1)[begun],
        entry_bar=fill[begun] - 1,
        exit_bar=exit_bar,
        entry_price=price[begun],
        exit_price=exit_price,
        gross=gross * value,
        cost=cost * value,
        funding=paid * value,
        net=net * value,
    )
    made = np.zeros(len(fill) + 2)
    made[begun + 2] = net  # by the fill after the one that began it
    pips = equity_pips(
        made.cumsum()[fills_by],
        gross_pips(held[fills_by], entry[fills_by], bars.close, pip_price(entry[fills_by], size)),
        np.concatenate([[0.0], entering])[fills_by],
        funding,
    )
    return Booked(TradedPair(recorded.symbol, rules, value, last), trades, pips * value)


def _funding(recorded: RecordedPair, held: F64, entry: F64, trade: I64) -> F64:
    """``f64[N]`` pips of funding and swap that the open trade has paid by each bar's close.

    Args:
        recorded: the pair.
        held: ``f64[N]`` exposure at each close.
        entry: ``f64[N]`` price at which it was filled.
        trade: ``i64[N]`` number of its trade.
    """
    rules, rows = recorded.rules, slice(recorded.history_bars, None)
    rate = rules.funding.rates(recorded.dataset, rows)
    nights = recorded.dataset.passing.nights[rows] if rules.swap.charges else np.zeros(len(held))
    due = np.flatnonzero((held != 0.0) & ((rate != 0.0) | (nights != 0)))
    pip = pip_price(entry[due], rules.pip_size)
    settled = funding_pips(held[due], recorded.session.close[due], rate[due], pip)
    swapped = rules.swap.paid_pips(held[due], nights[due])
    paid, paying, sums = 0.0, 0, [0.0]
    columns = (trade[due].tolist(), settled.tolist(), swapped.tolist())
    for number, funded, overnight in zip(*columns, strict=True):
        paid = (paid if number == paying else 0.0) + funded + overnight
        paying = number
        sums.append(paid)
    payments = np.searchsorted(due, np.arange(len(held)), side="right")
    of_trade = np.concatenate([[0], trade[due]])[payments] == trade
    return np.where(of_trade, np.array(sums)[payments], 0.0)


def _last_known(spread: F64) -> F64:
    """``f64[N]`` the last one known by each bar; NaN before the first."""
    known = np.where(np.isnan(spread), 0, np.arange(len(spread)))
    return np.asarray(spread[np.maximum.accumulate(known)])
