"""A long made-up paper session: the folder that `mlx-muzero paper start` would leave."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from bench.made_up import MONDAY_NS, NAMES, bars_of
from mlx_muzero.config.presets import FX_MICRO
from mlx_muzero.market.bars import Bars
from mlx_muzero.market.observation.frames import minutes_before
from mlx_muzero.paper.feeds.events import LiveBar
from mlx_muzero.paper.fills import Order
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.records.transaction import Row, Transaction
from mlx_muzero.paper.report.journaled import LATENCIES
from mlx_muzero.paper.session import Session
from mlx_muzero.paper.session_setup import make_session
from mlx_muzero.paper.settings import PaperSettings, override
from mlx_muzero.runlog.journal import Journal
from mlx_muzero.timeunits import MILLISECOND_NS, MINUTE_NS

COSTS = (
    "fills.swap_long_pips=0.4", "fills.swap_short_pips=-0.2", "fills.funding=fixed",
    "fills.funding_at=every 8 h", "fills.funding_bps=0.5",
)  # fmt: skip
_TURN_FRAC = 1 / 100
"""Share of its decisions at which the agent enters or leaves."""

_MINUTES = 1440


def trade_month(path: Path, pairs: int, days: int) -> int:
    """Keep a session of so many pairs and days in the folder `path`; returns its bars."""
    names = NAMES[:pairs]
    settings = override(PaperSettings(pairs={name: name for name in names}), COSTS)
    warm = minutes_before(FX_MICRO.market)
    begin_ns = MONDAY_NS + warm * MINUTE_NS
    planner: Any = None  # nothing is planned here
    session = make_session(settings, FX_MICRO, planner, begin_ns)
    bars = [bars_of(name, seed, warm + days * _MINUTES) for seed, name in enumerate(names)]
    turns = np.random.default_rng(len(names)).random((warm + days * _MINUTES, pairs)) < _TURN_FRAC
    folder = PaperFolder(path)
    with folder.held():
        folder.begin(settings)
        with PaperStore(folder.store_path) as store:
            store.begin({"session": session.state(), "event": 0})
            journal, told, orders = Journal(folder.journal_path), 0, 0
            for minute, live in enumerate(zip(*map(_each, bars), strict=True)):
                transaction = Transaction(live[0].close_time_ns)
                turned = turns[minute].tolist() if minute >= warm else []
                orders = _step(session, live, turned, orders, transaction, settings)
                events = []
                for name, facts in transaction.events:
                    told += 1
                    events.append({"event": name, "seq": told, "time": "", "facts": facts})
                    journal.append(name, seq=told, **facts)
                state = {"session": session.state(), "event": told}
                store.commit(minute + 1, transaction, state, events)
    return sum(len(each) for each in bars)


def _step(
    session: Session,
    live: Sequence[LiveBar],
    turned: Sequence[bool],
    orders: int,
    transaction: Transaction,
    settings: PaperSettings,
) -> int:
    """Settle a minute's bars and, after the history, decide; returns the orders sent by then."""
    close_ns = session.last_close_ns = live[0].close_time_ns
    accounts = [trader.account for trader in session.traders.values()]
    for account, bar in zip(accounts, live, strict=True):
        transaction.add("bars", vars(bar))
        if not turned:
            continue
        order, effect = account.order, account.on_bar(bar, 0.0)
        if effect.fill is not None and order is not None:
            transaction.add("fills", effect.fill | {"id": order.id})
        for trade in effect.trades:
            transaction.add("trades", trade)
    for account, turns in zip(accounts, turned, strict=turned != []):
        states, target = account.core.rules.states, account.exposure
        if turns:
            target = 0.0 if account.exposure else 1.0 if orders % 2 else -1.0
        action = int(states.actions_toward(account.core.account_state, target)[0])
        if turns:
            orders += 1
            sent_ns = close_ns + 20 * MILLISECOND_NS
            held = account.exposure
            account.order = Order(orders, account.pair, close_ns, sent_ns, action, held, target)
            transaction.add("orders", asdict(account.order))
        transaction.add("decisions", _decision(account.pair, close_ns, action, turns, orders))
    if turned:
        profit = sum(account.profit for account in accounts)
        money = {"equity": settings.account.balance + profit, "realized": profit}
        rest = dict.fromkeys(("unrealized", "cash", "exposure_total"), 0.0)
        transaction.add("equity", {"close_ns": close_ns, "mode": "running", **money, **rest})
        latency = dict.fromkeys(LATENCIES, 4.0)
        transaction.tell("minute", close_ns=close_ns, simulations=50, latency_ms=latency, **money)
    return orders


def _decision(pair: str, close_ns: int, action: int, ordered: bool, orders: int) -> Row:
    return {
        "close_ns": close_ns, "pair": pair, "bar": 0, "position": 0, "action": action,
        "visits": [20, 10, 10, 10], "value": 0.5, "network_value": 0.25, "simulations": 50,
        "order_id": orders if ordered else None, "limited_by": None,
    }  # fmt: skip


def _each(bars: Bars) -> list[LiveBar]:
    """The bars as a feed sends them, half a second late."""
    columns = (bars.open_time_ns, bars.open, bars.high, bars.low, bars.close)
    late_ns = MINUTE_NS + 500 * MILLISECOND_NS
    return [
        LiveBar(bars.symbol, opened, first, high, low, last, 1.0, None, opened + late_ns)
        for opened, first, high, low, last in zip(*(c.tolist() for c in columns), strict=True)
    ]
