"""Results of a paper session: the metrics of a backtest, money, and decision latency."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from mlx_muzero.config import fx_targets
from mlx_muzero.config.schema import Config
from mlx_muzero.errors import RunError
from mlx_muzero.evaluation.luck.assessment import Luck, assess
from mlx_muzero.evaluation.luck.random_entries import entries_p
from mlx_muzero.evaluation.luck.verdict import Verdict
from mlx_muzero.evaluation.metrics import Metrics
from mlx_muzero.market.series import SeriesByName
from mlx_muzero.paper.account import PairAccount
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.records.transaction import Row
from mlx_muzero.paper.report.baselines import play_baselines
from mlx_muzero.paper.report.held import held_by_pair
from mlx_muzero.paper.report.journaled import Journaled
from mlx_muzero.paper.report.performance import UNIT, Performance
from mlx_muzero.paper.report.recorded_pair import RecordedPair, recorded_pairs
from mlx_muzero.paper.report.session_trades import TradedPair, trades_of
from mlx_muzero.paper.retraining.recorded import models_of_minutes
from mlx_muzero.paper.session_setup import account_of_pair, keeps_fx_week
from mlx_muzero.paper.settings import PaperSettings
from mlx_muzero.runlog import journal
from mlx_muzero.trading.costs import BASIS_POINT
from mlx_muzero.types import F64
from mlx_muzero.untrusted.json_values import in_unit


@dataclass(frozen=True)
class SessionReport:
    """Results of a session.

    Attributes:
        metrics: the session's metrics (`Performance.metrics`).
        luck: what its days owe to luck, given what was tried to make its model.
        pips_per_trade: net pips per trade, if the run counts in pips; None otherwise, or without a
            trade.
        baselines: metrics of policies without a network (`play_baselines`), by name.
        money: in the account's currency: equity, net, gross, cost, funding, slippage.
        day: "trading" if days run from 17:00 New York in the FX week, else "UTC".
        whole_days: number of complete days; with fewer than two, annualized ratios are None.
        first_ns: end of the first marked minute.
        last_ns: end of the last marked minute.
        minutes: number of marked minutes.
        models: minutes decided by each model, in the order in which they took over, by title; empty
            where the journal does not say.
        holes: number of periods whose minutes the engine missed, not running or asleep.
        latency_ms: p50 and p99 by stage, over the minutes that planned.
        ledger_error: equity minus the equity implied by the trades' prices, in money.
        fitted: what of its bars the run was trained or chosen on, in words; None if nothing.
    """

    metrics: Metrics
    luck: Luck
    pips_per_trade: float | None
    baselines: dict[str, Metrics]
    money: dict[str, float]
    day: Literal["trading", "UTC"]
    whole_days: int
    first_ns: int
    last_ns: int
    minutes: int
    models: dict[str, int]
    holes: int
    latency_ms: dict[str, dict[str, float]]
    ledger_error: float
    fitted: str | None = None

    @property
    def verdict(self) -> Verdict | None:
        """Whether its days show skill; None if the run was trained or chosen on them."""
        return self.luck.verdict if self.fitted is None else None

    def as_dict(self) -> dict[str, Any]:
        """The report for JSON; pips of metrics become basis points of the notional.

        A session in pips also has the targets of the FX specification (`fx_targets.compared`).
        """
        judged = None if self.verdict is None else asdict(self.verdict)
        facts = asdict(self) | {
            "unit": UNIT,
            "verdict": judged,
            "luck": judged and asdict(self.luck),
            "metrics": self.metrics.as_dict(),
            "baselines": {name: m.as_dict() for name, m in self.baselines.items()},
        }
        made = facts.pop("pips_per_trade")
        targets = {} if made is None else fx_targets.compared(made, self.metrics.win_frac)
        return in_unit(facts, UNIT) | {"pips_per_trade": made, "targets": targets}


@dataclass(frozen=True, eq=False)
class PlayedSession:
    """What was traded in a session, and what would have been.

    Attributes:
        agent: what the session traded.
        baselines: what policies without a network trade in the same minutes, by name.
        recorded: the session's pairs, by symbol.
    """

    agent: Performance
    baselines: Mapping[str, Performance]
    recorded: Mapping[str, RecordedPair]


def report_session(
    folder: PaperFolder,
    store: PaperStore,
    settings: PaperSettings,
    config: Config,
    series: Mapping[str, SeriesByName] | None = None,
    tick: Callable[[int], None] = lambda _bars: None,
    tried: int = 1,
    played: Callable[[PlayedSession], None] = lambda _session: None,
) -> SessionReport:
    """Report on the session in `store`.

    Args:
        folder: the session's folder.
        store: the session's store.
        settings: the session's settings.
        config: the training run's configuration.
        series: series of each pair in addition to its bars, where a replay had them.
        tick: called with the number of bars a baseline has played.
        tried: configurations that were tried to make its model, this one included.
        played: receives what the report is made of.

    Raises:
        RunError: no minute has been marked yet, or the store holds something else than a session.
    """
    equity = store.columns("equity", "close_ns", "equity")
    if not len(equity["close_ns"]) or store.state() is None:
        raise RunError(f"{folder.path}: no minute has been traded yet: nothing to report.")
    with store.checking_contents():
        performance = performance_of(store, settings, config)
        recorded = recorded_pairs(store, settings, config, series)
        baselines = play_baselines(recorded, performance.close_ns, settings, tick)
        played(PlayedSession(performance, baselines, recorded))
        courses = {name: baseline.course() for name, baseline in baselines.items()}
        agent, trades = performance.course(), performance.trades
        sums = {
            name: sum(getattr(trades, name).tolist())
            for name in ("net", "gross", "cost", "funding")
        }
        slippage = sum(store.columns("fills", "slippage")["slippage"].tolist())
        last = float(equity["equity"][-1])
        told = Journaled.by(journal.read(folder.journal_path))
        return SessionReport(
            metrics=agent.metrics,
            luck=assess(
                {"the agent": agent},
                courses,
                tried=tried,
                entries=entries_p(held_by_pair(performance, recorded)),
                unit=UNIT,
                observation="day",
            ),
            pips_per_trade=_pips_per_trade(performance),
            baselines={name: course.metrics for name, course in courses.items()},
            money={"equity": last, **sums, "slippage": slippage},
            day="trading" if performance.fx_week else "UTC",
            whole_days=performance.whole_days,
            first_ns=int(performance.close_ns[0]),
            last_ns=int(performance.close_ns[-1]),
            minutes=len(performance.close_ns),
            models=dict(Counter(model.title for model in models_of_minutes(store).values())),
            holes=told.holes,
            latency_ms=told.latency_ms,
            ledger_error=last - settings.account.balance - _net_from_prices(performance),
        )


def performance_of(store: PaperStore, settings: PaperSettings, config: Config) -> Performance:
    """What the session in `store` traded, of which a minute has been marked."""
    saved, equity = store.state(), store.columns("equity", "close_ns", "equity")
    assert saved is not None
    accounts = _accounts(saved[1]["session"]["accounts"], settings, config)
    actions = store.columns("decisions", "action")["action"]
    names = accounts[0].core.rules.table.action_names
    return Performance(
        [TradedPair.of(account) for account in accounts],
        trades_of(store.table("trades"), accounts),
        equity["close_ns"],
        equity["equity"] - settings.account.balance,
        np.bincount(actions, minlength=len(names)),
        settings.account.notional,
        keeps_fx_week(settings),
    )


def _accounts(
    states: Mapping[str, Row], settings: PaperSettings, config: Config
) -> list[PairAccount]:
    accounts = []
    for symbol in settings.pairs:
        account = account_of_pair(config, settings, symbol)
        account.restore(states[symbol])
        accounts.append(account)
    return accounts


def _pips_per_trade(played: Performance) -> float | None:
    trades = played.trades
    in_pips = all(played.pairs[pair].rules.unit == fx_targets.UNIT for pair in set(trades.pair))
    if not len(trades) or not in_pips:
        return None
    return float(sum((trades.net / _pip_values(played)).tolist())) / len(trades)


def _net_from_prices(played: Performance) -> float:
    """Net money of the trades, with gross recomputed from prices instead of from the ledger."""
    trades = played.trades
    sizes = np.array([pair.rules.pip_size for pair in played.pairs])[trades.pair]
    pip = np.where(sizes > 0.0, sizes, trades.entry_price * BASIS_POINT)
    pips = trades.exposure * (trades.exit_price - trades.entry_price) / pip
    return float(sum((pips * _pip_values(played) - trades.cost - trades.funding).tolist()))


def _pip_values(played: Performance) -> F64:
    """``f64[N]`` money that a pip of each trade is."""
    return np.array([pair.pip_value for pair in played.pairs])[played.trades.pair]
