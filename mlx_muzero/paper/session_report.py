"""What a paper session came to: the metrics of a backtest, money, and how fast it decided.

Days (UTC) stand for sessions. What is called pips there is basis points of one pair's notional
here, so that pairs of different units add up; a position still open counts at its last mark.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from mlx_muzero import journal
from mlx_muzero.config import Config
from mlx_muzero.errors import RunError
from mlx_muzero.evaluation.metrics import (
    CRYPTO_BARS_PER_YEAR,
    FX_BARS_PER_YEAR,
    Metrics,
    measure,
)
from mlx_muzero.market.bars import DAY_NS, MINUTE_NS
from mlx_muzero.paper.account import PairAccount
from mlx_muzero.paper.folder import PaperFolder
from mlx_muzero.paper.opening import rules_of_pair
from mlx_muzero.paper.settings import PaperSettings
from mlx_muzero.paper.store import PaperStore
from mlx_muzero.paper.transaction import Row
from mlx_muzero.trading.costs import BASIS_POINT
from mlx_muzero.trading.ledger import Trades
from mlx_muzero.types import F64

_DAY_MINUTES = DAY_NS // MINUTE_NS
LATENCIES = ("observe", "search", "orders", "total")


@dataclass(frozen=True)
class SessionReport:
    """A session in numbers.

    Attributes:
        metrics: in basis points of one pair's notional, a session being a UTC day.
        money: in the account's currency: equity, net, gross, cost, funding, slippage.
        first_ns: end of the first minute marked.
        last_ns: end of the last.
        minutes: marked.
        holes: stretches the engine was not running or asleep.
        latency_ms: p50 and p99 by stage, over the minutes that planned.
        ledger_error: equity less what the trades, summed up from their prices, make it; money.
    """

    metrics: Metrics
    money: dict[str, float]
    first_ns: int
    last_ns: int
    minutes: int
    holes: int
    latency_ms: dict[str, dict[str, float]]
    ledger_error: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"metrics": self.metrics.as_dict()}


def report_session(
    folder: PaperFolder, store: PaperStore, settings: PaperSettings, config: Config
) -> SessionReport:
    """The report of the session in `store`.

    Raises:
        RunError: it has marked no minute yet.
    """
    equity, saved = store.table("equity"), store.state()
    if not equity or saved is None:
        raise RunError(f"{folder.path}: no minute has been traded yet, so nothing to report.")
    accounts = _accounts(saved[1]["session"]["accounts"], settings, config)
    closed = store.table("trades")
    open_trades = [_open_trade(account) for account in accounts if account.exposure]
    rows = closed + open_trades
    rules = accounts[0].core.rules
    actions = [row["action"] for row in store.table("decisions")]
    names = rules.table.action_names
    metrics = measure(
        _trades(rows, list(settings.pairs), settings.account.notional),
        _daily_bps(equity, settings),
        np.bincount(np.array(actions, np.int64), minlength=len(names)),
        names,
        FX_BARS_PER_YEAR if rules.pip_size else CRYPTO_BARS_PER_YEAR,
    )
    sums = {name: sum(row[name] for row in rows) for name in ("net", "gross", "cost", "funding")}
    slippage = sum(row["slippage"] for row in store.table("fills"))
    last = equity[-1]["equity"]
    events = list(journal.read(folder.journal_path))
    return SessionReport(
        metrics=replace(metrics, exposure_frac=metrics.exposure_frac / len(accounts)),
        money={"equity": last, **sums, "slippage": slippage},
        first_ns=equity[0]["close_ns"],
        last_ns=equity[-1]["close_ns"],
        minutes=len(equity),
        holes=sum(event["event"] == "hole" for event in events),
        latency_ms=_latencies(events),
        ledger_error=last - settings.account.balance - _net_from_prices(rows, accounts),
    )


def _accounts(
    states: Mapping[str, Row], settings: PaperSettings, config: Config
) -> list[PairAccount]:
    accounts = []
    for symbol in settings.pairs:
        rules = rules_of_pair(config, settings, symbol)
        account = PairAccount(symbol, rules, settings.account.notional, settings.fills)
        account.restore(states[symbol])
        accounts.append(account)
    return accounts


def _open_trade(account: PairAccount) -> Row:
    """The open trade as if closed, for nothing, at its last mark."""
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


def _trades(rows: list[Row], pairs: list[str], notional: float) -> Trades:
    """Rows as trades of one account a pair, money in basis points of the notional."""
    bps = {
        name: np.array([row[name] for row in rows], np.float64) / (notional * BASIS_POINT)
        for name in ("gross", "cost", "funding")
    }

    def column(name: str, dtype: type) -> Any:
        return np.array([row[name] for row in rows], dtype)

    return Trades(
        account=np.array([pairs.index(row["pair"]) for row in rows], np.int32),
        exposure=column("exposure", np.float64),
        entry_bar=column("entry_bar", np.int64),
        exit_bar=column("exit_bar", np.int64),
        entry_price=column("entry_price", np.float64),
        exit_price=column("exit_price", np.float64),
        gross_pips=bps["gross"],
        cost_pips=bps["cost"],
        funding_pips=bps["funding"],
        forced=np.zeros(len(rows), np.bool_),
    )


def _daily_bps(equity: list[Row], settings: PaperSettings) -> F64:
    """``[days, minutes]``, equity made since each day began, as known at every minute."""
    close_ns = np.array([row["close_ns"] for row in equity], np.int64)
    made = np.array([row["equity"] for row in equity]) - settings.account.balance
    made /= settings.account.notional * BASIS_POINT
    first_day, last_day = (close_ns[[0, -1]] - 1) // DAY_NS
    ends = np.arange(first_day * _DAY_MINUTES, (last_day + 1) * _DAY_MINUTES) + 1
    known = np.searchsorted(close_ns, ends * MINUTE_NS, side="right") - 1
    curve = np.where(known < 0, 0.0, made[np.maximum(known, 0)]).reshape(-1, _DAY_MINUTES)
    begins = np.concatenate([[0.0], curve[:-1, -1]])
    return np.asarray(curve - begins[:, None])


def _net_from_prices(rows: list[Row], accounts: list[PairAccount]) -> float:
    """Net money of `rows`, gross computed again from prices, not taken from the ledger."""
    by_pair = {account.pair: account for account in accounts}
    total = 0.0
    for row in rows:
        account = by_pair[row["pair"]]
        pip = account.core.rules.pip_size or row["entry_price"] * BASIS_POINT
        pips = row["exposure"] * (row["exit_price"] - row["entry_price"]) / pip
        total += pips * account.pip_value - row["cost"] - row["funding"]
    return total


def _latencies(events: list[Row]) -> dict[str, dict[str, float]]:
    planned = [e["latency_ms"] for e in events if e["event"] == "minute" and e["simulations"]]
    return {
        stage: {
            f"p{q}": float(np.percentile([latency[stage] for latency in planned], q))
            for q in (50, 99)
        }
        for stage in LATENCIES
        if planned
    }
