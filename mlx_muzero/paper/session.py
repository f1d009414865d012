"""The state machine of a paper session: a minute or a command goes in, a transaction comes out.

It waits for nothing, writes nothing and reads no clock except its stopwatch, so a session behaves
the same live, replayed, and after a kill.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from mlx_muzero.errors import RunError
from mlx_muzero.paper.account import PairAccount
from mlx_muzero.paper.batched_search import BatchedSearch, Trader
from mlx_muzero.paper.context import SessionContext
from mlx_muzero.paper.corrections import Corrections
from mlx_muzero.paper.feeds.events import LiveBar
from mlx_muzero.paper.fills import Order
from mlx_muzero.paper.margin import Margin
from mlx_muzero.paper.minute import Minute
from mlx_muzero.paper.minute_facts import (
    PairState,
    limits_used,
    money_of,
    pair_facts,
    pair_state,
)
from mlx_muzero.paper.mode import CONSEQUENCES, Command, Mode, PairCommand
from mlx_muzero.paper.pair_commands import consequence
from mlx_muzero.paper.planner import Planner
from mlx_muzero.paper.records.transaction import Row, Transaction
from mlx_muzero.paper.retraining.state import RetrainState
from mlx_muzero.paper.risk import Losses, allowed_exposure
from mlx_muzero.paper.search_outcome import SearchOutcome
from mlx_muzero.paper.settings import PaperSettings
from mlx_muzero.paper.sharing import Share, share_room
from mlx_muzero.paper.silence import Silence
from mlx_muzero.paper.time_limits import TimeLimits
from mlx_muzero.runlog.control import Refusal
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.trading.limits import MUST_BE_FLAT
from mlx_muzero.trading.positions import ActionTable


class Session:
    """A paper session that trades its pairs.

    Args:
        settings: the session's settings.
        table: positions and actions.
        traders: by symbol, in decision order.
        planner: decides.
        begin_ns: bars that close by then are history.
        stopwatch: returns seconds, for latencies and the deadline.
    """

    def __init__(
        self,
        settings: PaperSettings,
        table: ActionTable,
        traders: Mapping[str, Trader],
        planner: Planner,
        begin_ns: int,
        stopwatch: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.table, self.traders, self.planner = table, dict(traders), planner
        self.begin_ns = begin_ns
        self.last_close_ns = 0
        self.mode = Mode()
        self._settings, self._stopwatch = settings, stopwatch
        self.losses = Losses(settings.risk, settings.account.balance)
        self._margin = Margin.of(settings)
        self._time_limits = TimeLimits(settings.risk.limits)
        self.search = BatchedSearch(settings, planner, stopwatch)
        self._next_id = {"order": 0, "fill": 0}
        self._resumed_from_ns: int | None = None
        self._in_time_ns: dict[str, int] = {}  # by pair, end of the last minute it had in time
        self.silence = Silence(self.traders, self.mode)
        self.context = SessionContext(self.traders)
        self.retraining = RetrainState()
        self.corrections = Corrections()
        self.lost: dict[str, str] = {}  # by pair, why the venue no longer has it

    def play_with(self, planner: Planner) -> None:
        """Let another model decide from the next minute on; positions and orders stay."""
        self.planner.adopt(planner)
        self.search.begin_anew()

    def step(
        self, minute: Minute, sent_ns: Callable[[], int], arrived_s: float
    ) -> tuple[Transaction, SearchOutcome]:
        """Take a minute's bars, settle, mark, decide and send orders.

        Args:
            minute: the bars.
            sent_ns: returns the time at which orders go out.
            arrived_s: stopwatch reading when the last bar arrived.
        """
        transaction = Transaction(minute.close_ns)
        outcome = SearchOutcome()
        self._tell_hole(minute, transaction)
        for pair, trader in self.traders.items():
            for bar in minute.bars.get(pair, ()):
                self.silence.hear(pair)
                self.lost.pop(pair, None)
                self.context.take_bar(pair, bar, self.last_close_ns, transaction)
                funding = trader.observer.push(bar)
                trader.account.hear(bar, funding)
                transaction.add("bars", vars(bar) | {"pair": pair})
                if bar.quoted:
                    transaction.add("quotes", vars(bar) | {"pair": pair})
                if bar.close_time_ns > self.begin_ns:
                    self._settle(trader, bar, funding.paid, transaction)
        known_ns = max(self.begin_ns, self.last_close_ns)
        self.last_close_ns = max(self.last_close_ns, minute.close_ns)
        self._watch_losses(self.last_close_ns, transaction)
        self.silence.take(minute, known_ns)
        self._in_time_ns |= dict.fromkeys(minute.fresh, minute.close_ns)
        states, stage = self._states(), self._time_limits.stage(minute.close_ns)
        late = self._time_limits.overdue(stage, self._accounts())
        self._cancel(late, self._time_limits.reason, transaction)
        if minute.fresh and self.mode.name != "halted":
            ready = [pair for pair in minute.fresh if states[pair][0] == "trading"]
            outcome = self._plan(ready, minute.close_ns, transaction, arrived_s)
            began_s = self._stopwatch()
            self._order(minute.close_ns, stage, outcome, transaction, sent_ns)
            outcome.latency_ms["orders"] = 1e3 * (self._stopwatch() - began_s)
        outcome.latency_ms["total"] = 1e3 * (self._stopwatch() - arrived_s)
        if minute.close_ns > self.begin_ns:
            self.retraining.schedule(self.last_close_ns, self._settings.retrain.every_days)
            self._tell_minute(minute, states, outcome, transaction)
        return transaction, outcome

    def command(self, name: Command, now_ns: int) -> Transaction:
        """Execute a command; `mode.CONSEQUENCES` lists the effects."""
        transaction = Transaction(self.last_close_ns)
        self.mode.command(name)
        if name == "resume":
            self.losses.rebase()
            self.silence.stop()
        if name in ("flatten", "halt"):
            self._cancel(self.traders, f"{name} was commanded", transaction)
        transaction.add("commands", {"time_ns": now_ns, "name": name, "pair": None})
        transaction.tell("command", name=name, source="socket", consequence=CONSEQUENCES[name])
        return transaction

    def command_pair(
        self, name: PairCommand, named: Symbol, now_ns: int
    ) -> tuple[Transaction, str]:
        """Execute a command on one pair; also return its effect in words.

        Raises:
            Refusal: the command is not possible; nothing was changed.
        """
        # A session of 0.1.0 may use another spelling.
        pair = next((own for own in self.traders if named.is_meant_by(own)), None)
        if pair is None:
            raise Refusal(f"{named} is not one of the session's pairs: {', '.join(self.traders)}")
        told = consequence(name, self.traders[pair].account, self.mode)
        transaction = Transaction(self.last_close_ns)
        if name == "include":
            self.mode.include(pair)
        else:
            reason = f"{name} {pair} was commanded"
            self.mode.exclude(pair, reason, closing=name == "close")
            self._cancel([pair], reason, transaction)
        transaction.add("commands", {"time_ns": now_ns, "name": name, "pair": pair})
        transaction.tell("command", name=name, pair=pair, source="socket", consequence=told)
        return transaction, told

    def fault(
        self, what: str, reason: str, now_ns: int, reaction: str | None = None
    ) -> Transaction:
        """Record a failure: entries stop until all has been well for the cooldown.

        Args:
            what: the part that failed.
            reason: in words.
            now_ns: when.
            reaction: further effect. Without one, a repeated fault is not recorded again.
        """
        transaction = Transaction(self.last_close_ns)
        self._fault(what, reason, now_ns, transaction, reaction)
        return transaction

    def lose(self, pair: str, reason: str) -> Transaction:
        """Handle a pair the venue no longer has: cancel its order, keep trading the others.

        The fault is recorded once, not again by every process that resumes the session.
        """
        transaction = Transaction(self.last_close_ns)
        self._cancel([pair], reason, transaction)
        known, self.lost[pair] = pair in self.lost, reason
        if known:
            return transaction
        reaction = (
            "it is no longer traded; any position stays at its last price, and the other pairs "
            "continue"
        )
        what = f"feed of {pair}"
        transaction.tell("fault", what=what, pair=pair, reason=reason, reaction=reaction)
        return transaction

    @property
    def unit(self) -> str:
        """Name of the unit the pairs count in."""
        return self._accounts()[0].core.rules.unit

    @property
    def pip_size(self) -> float:
        """Price of one pip; 0 if the pairs count in basis points."""
        return self._accounts()[0].core.rules.pip_size

    @property
    def equity(self) -> float:
        """The starting balance plus all profit, in money."""
        return self._settings.account.balance + sum(a.profit for a in self._accounts())

    def state(self) -> Row:
        """The whole state except what observers keep of the bars, as JSON values."""
        return {
            "account": asdict(self._settings.account),
            "begin_ns": self.begin_ns,
            "last_close_ns": self.last_close_ns,
            "next_id": dict(self._next_id),
            "mode": self.mode.state(),
            "losses": self.losses.state(),
            "accounts": {pair: t.account.state() for pair, t in self.traders.items()},
            "context": self.context.state(),
            "retraining": self.retraining.state(),
            "lost": dict(self.lost),
            "corrections": self.corrections.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore the session that produced `state`; observers still need their history pushed.

        Raises:
            RunError: its account began with other money, which would be profit or loss now.
        """
        self._require_same_money(state.get("account", {}))  # sessions before 0.3.0 have none
        self.begin_ns, self.last_close_ns = state["begin_ns"], state["last_close_ns"]
        self._resumed_from_ns = self.last_close_ns or None
        self._next_id = dict(state["next_id"])
        self.context.restore(state.get("context", []))  # likewise
        self.retraining.restore(state.get("retraining", {}))  # likewise
        self.lost = dict(state.get("lost", {}))  # likewise
        self.corrections.restore(state.get("corrections", {}))  # likewise
        self.mode.restore(state["mode"])
        self.losses.restore(state["losses"])
        for pair, trader in self.traders.items():
            trader.account.restore(state["accounts"][pair])

    def _require_same_money(self, begun: Mapping[str, Any]) -> None:
        for key, now in asdict(self._settings.account).items():
            if (then := begun.get(key, now)) != now:
                raise RunError(
                    f"paper.toml: account.{key} is {now:g}, but the session began with {then:g}. "
                    "Put that back to go on with it, or start another with another --run"
                )

    def _accounts(self) -> list[PairAccount]:
        return [trader.account for trader in self.traders.values()]

    def _take_id(self, kind: str) -> int:
        self._next_id[kind] += 1
        return self._next_id[kind]

    def _tell_hole(self, minute: Minute, transaction: Transaction) -> None:
        """After a restart, record the period in which nothing was decided."""
        if self._resumed_from_ns is None or not minute.fresh:
            return
        to_ns = minute.close_ns - MINUTE_NS
        transaction.tell(
            "hole",
            from_ns=self._resumed_from_ns,
            to_ns=max(to_ns, self._resumed_from_ns),
            reason="the engine was not running",
        )
        self._resumed_from_ns = None

    def _settle(
        self, trader: Trader, bar: LiveBar, funding_rate: float, transaction: Transaction
    ) -> None:
        effect = trader.account.on_bar(bar, funding_rate)
        if effect.fill is not None:
            fill = {"id": self._take_id("fill")} | effect.fill
            transaction.add("fills", fill)
            transaction.tell("fill", **fill)
        for trade in effect.trades:
            transaction.add("trades", trade)
            transaction.tell("trade", **trade)
        if effect.expired is not None:
            self._end(effect.expired, "order_expired", "no bar arrived in time", transaction)

    def _end(self, order: Order, event: str, reason: str, transaction: Transaction) -> None:
        transaction.add("order_ends", {"order_id": order.id, "end": event, "reason": reason})
        transaction.tell(event, id=order.id, reason=reason)

    def _cancel(self, pairs: Iterable[str], reason: str, transaction: Transaction) -> None:
        for account in (self.traders[pair].account for pair in pairs):
            if account.order is not None:
                self._end(account.order, "order_canceled", reason, transaction)
                account.order = None

    def _watch_losses(self, close_ns: int, transaction: Transaction) -> None:
        self.mode.advance(close_ns, flat=all(a.exposure == 0.0 for a in self._accounts()))
        exposures = [account.exposure for account in self._accounts()]
        stop_out = self._margin.breaches(self.equity, exposures)
        for breach in self.losses.update(close_ns, self.equity) + stop_out:
            if breach.limit in self.mode.stops:
                continue
            reason = f"{breach.limit}: {breach.value:.4g} of {breach.threshold:.4g}"
            self.mode.stop(breach.limit, reason, breach.until_ns, flatten=True)
            self._cancel(self.traders, reason, transaction)
            transaction.tell("risk", **breach.facts)

    def _fault(
        self,
        what: str,
        reason: str,
        now_ns: int,
        transaction: Transaction,
        reaction: str | None = None,
    ) -> None:
        cooled_ns = now_ns + round(self._settings.risk.cooldown_minutes * MINUTE_NS)
        known = "fault" in self.mode.stops
        self.mode.stop("fault", f"{what}: {reason}", cooled_ns)
        if reaction is None:
            if known:
                return
            reaction = "entries stop until the cooldown is over; exits are still managed"
        now = {"mode": self.mode.name, "mode_reason": self.mode.reason}
        transaction.tell("fault", what=what, reason=reason, reaction=reaction, **now)

    def _states(self) -> dict[str, tuple[PairState, str | None]]:
        return {
            pair: pair_state(
                trader.account,
                self.mode,
                trader.observer.warming(),
                self._in_time_ns.get(pair) == self.last_close_ns,
                self.silence.why(pair),
            )
            for pair, trader in self.traders.items()
        }

    def _plan(
        self, ready: list[str], close_ns: int, transaction: Transaction, arrived_s: float
    ) -> SearchOutcome:
        """Run the search; if it fails, record a fault and decide nothing."""
        try:
            outcome = self.search.decide(self.traders, ready, close_ns, arrived_s)
        except Exception as error:
            self._fault("planning", f"{type(error).__name__}: {error}", close_ns, transaction)
            outcome = SearchOutcome()
        for trouble in self.planner.troubles():
            self._fault("evaluator", trouble, close_ns, transaction)
        return outcome

    def _order(
        self,
        close_ns: int,
        stage: int,
        outcome: SearchOutcome,
        transaction: Transaction,
        sent_ns: Callable[[], int],
    ) -> None:
        """Send the orders the agent wants and mode and limits allow; exits first, to make room."""
        carried = self._margin.carried_exposure(self.equity)
        accounts = {pair: trader.account for pair, trader in self.traders.items()}
        share = share_room(outcome, accounts, self._settings.risk, carried)
        wanted = self._wanted(share, stage)
        now_ns = sent_ns()
        total = sum(abs(account.bound_exposure) for account in self._accounts())
        limits, why_not = self._settings.risk, {}
        held = {pair: self.traders[pair].account.exposure for pair in wanted}
        for pair in sorted(wanted, key=lambda p: abs(wanted[p]) > abs(held[p])):
            account = self.traders[pair].account
            target, why = allowed_exposure(
                self.table,
                held[pair],
                wanted[pair],
                self.mode.name,
                limits,
                total - abs(held[pair]),
                carried,
                stage,
            )
            why_not[pair] = why or share.why_not.get(pair)
            if target == held[pair]:
                continue
            total += abs(target) - abs(held[pair])
            states, state = account.core.rules.states, account.core.account_state
            action = int(states.actions_toward(state, target)[0])
            account.order = Order(
                self._take_id("order"), pair, close_ns, now_ns, action, held[pair], target
            )
            row = asdict(account.order)
            transaction.add("orders", row)
            transaction.tell("order", **{k: v for k, v in row.items() if k != "sent_ns"})
        for row in outcome.rows(close_ns, accounts, why_not):
            transaction.add("decisions", row)

    def _wanted(self, share: Share, stage: int) -> dict[str, float]:
        """The exposure every pair should move to, before the mode and limits of its own."""
        wanted = {pair: share.exposures[pair] for pair in self.traders if pair in share.exposures}
        for pair, trader in self.traders.items():
            closes = stage == MUST_BE_FLAT or self.mode.closes(pair)
            if closes and trader.account.exposure and trader.account.order is None:
                wanted.setdefault(pair, 0.0)
        return wanted

    def _tell_minute(
        self,
        minute: Minute,
        states: Mapping[str, tuple[PairState, str | None]],
        outcome: SearchOutcome,
        transaction: Transaction,
    ) -> None:
        accounts = self._accounts()
        money = money_of(accounts, self.equity)
        # Late bars may be older than what is known: mark accounts now.
        marked = {"close_ns": self.last_close_ns, "mode": self.mode.name}
        transaction.add("equity", marked | money)
        transaction.tell(
            "minute",
            close_ns=self.last_close_ns,
            mode=self.mode.name,
            mode_reason=self.mode.reason,
            **money,
            peak_equity=self.losses.peak_equity,
            drawdown_frac=self.losses.drawdown_frac,
            day_pnl=self.losses.day_pnl,
            simulations=outcome.simulations,
            backend=self.planner.backend,
            root_backend=self.planner.root_backend,
            **self.retraining.minute_facts,
            latency_ms=outcome.latency_ms,
            risk=limits_used(self._settings.risk, self.losses, accounts, self._margin),
            pairs={
                account.pair: pair_facts(
                    account,
                    self.table,
                    states[account.pair],
                    outcome,
                    next(reversed(minute.bars.get(account.pair, [])), None),
                )
                for account in accounts
            },
        )
