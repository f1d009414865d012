"""What a paper trading journal says so far."""

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.watch.curve import Curve
from mlx_muzero.watch.events import Event
from mlx_muzero.watch.index import RECENT
from mlx_muzero.watch.journal_state import JournalState
from mlx_muzero.watch.price_bars import PriceBar, bar_of

KEPT = 100
BASIS_POINT = 1e-4
ORDER_LIFE_NS = 10 * MINUTE_NS
"""An order neither filled nor ended by then is an old one whose end was not read."""

_MONEY = (
    *("close_ns", "mode", "mode_reason", "equity", "realized", "unrealized", "cash"),
    *("exposure_total", "day_pnl", "drawdown_frac", "backend"),
)
_VERDICTS = ("candidate_took_over", "candidate_refused", "candidate_failed")
_NOTICES = (
    *("risk", "fault", "command", "hole", "backend_moved", "backend_slow", "alerts"),
    *_VERDICTS,
)


@dataclass
class PaperState(JournalState):
    """Folded from the events of paper trading; it began with the last `paper_started`.

    Attributes:
        minute: the last `minute`.
        decided: when it was journaled.
        equity: of the account, by UTC seconds.
        drawdown_frac: by UTC seconds.
        prices: last bars of each pair, oldest first.
        orders: open ones by id.
        fills: the newest, oldest first.
        trades: the newest, oldest first.
        notices: risk, faults, commands, holes, alerts that fail and what became of candidates,
            oldest first.
        judged: what became of the last candidate; empty before the first.
        feed: the last thing heard of each pair's feed, "" for all.
        feed_status: what each pair's feed does: the last ``feed`` event of kind "status".
        clock_offset_ms: the venue's clock minus this machine's.
    """

    CURVES: ClassVar[frozenset[str]] = frozenset({"minute"})

    minute: Event = field(default_factory=dict)
    decided: datetime | None = None
    equity: Curve = field(default_factory=Curve)
    drawdown_frac: Curve = field(default_factory=Curve)
    prices: dict[str, deque[PriceBar]] = field(default_factory=dict)
    orders: dict[Any, Event] = field(default_factory=dict)
    fills: deque[Event] = field(default_factory=lambda: deque(maxlen=RECENT))
    trades: deque[Event] = field(default_factory=lambda: deque(maxlen=KEPT))
    notices: deque[Event] = field(default_factory=lambda: deque(maxlen=KEPT))
    judged: Event = field(default_factory=dict)
    feed: dict[str, Event] = field(default_factory=dict)
    feed_status: dict[str, Event] = field(default_factory=dict)
    clock_offset_ms: float | None = None

    def _take(self, kind: str, event: Event) -> None:
        if kind in _NOTICES:
            self.notices.append(event)
            self.judged = event if kind in _VERDICTS else self.judged
            self._mode(event)
        elif handler := _HANDLERS.get(kind):
            handler(self, event)

    @property
    def pairs(self) -> dict[str, dict[str, Any]]:
        """The rows of the last minute; pairs that are only waited for have empty ones."""
        rows: dict[str, dict[str, Any]] = {pair: {} for pair in self.began.get("pairs", ())}
        return rows | self.minute.get("pairs", {})

    @property
    def ill_feeds(self) -> dict[str, str]:
        """What is the matter with each pair's feed that is not well; "" for all of them."""
        ill = {pair: "stale" for pair, row in self.pairs.items() if row.get("state") == "stale"}
        for pair, event in self.feed.items():
            # Journals of before there were statuses do not say when it was well again.
            if event["kind"] in ("stale", "disconnected") and pair not in self.feed_status:
                ill[pair] = event["kind"]
        for pair, event in self.feed_status.items():
            if event.get("status") in ("silent", "down", "lost"):
                ill[pair] = str(event["status"])
        return ill

    @property
    def mode(self) -> str:
        """What the engine does: "trading", "entries_stopped", "flattening", "halted" or ""."""
        return str(self.minute.get("mode", ""))

    def pip_price(self, price: float) -> float | None:
        """Price of one pip at `price`; None in journals of 0.2.0 and before, which do not say."""
        size = self.began.get("pip_size", 0.0 if self.unit == "bps" else None)
        return None if size is None else size or abs(price) * BASIS_POINT

    @property
    def substitute(self) -> str:
        """What evaluates leaves in the place of what was asked for; empty if that does."""
        wanted = self.began.get("backend_wanted")
        plays = self.minute.get("backend") or self.began.get("backend")
        return str(plays) if plays and wanted not in (None, "auto", plays) else ""

    @property
    def model(self) -> str:
        """The beginning of the playing model's digest; empty where the journal does not say."""
        return str(self.minute.get("model") or "")

    @property
    def next_candidate_ns(self) -> int | None:
        """When the next candidate is due; None in a session that does not retrain."""
        return self._retraining.get("next_ns")

    @property
    def candidate(self) -> int | None:
        """The number of the candidate that is being made; None if none is."""
        return self._retraining.get("candidate")

    @property
    def _retraining(self) -> dict[str, Any]:
        return self.minute.get("retraining") or {}

    @property
    def retraining(self) -> str:
        """In a sentence, what retraining does and did; empty in a session without it."""
        if self.next_candidate_ns is None:
            return ""
        due = datetime.fromtimestamp(self.next_candidate_ns / 1e9, UTC)
        under_way = f"candidate {self.candidate} is being made; " if self.candidate else ""
        last = self.judged.get("reason") or "none was judged yet"
        return f"{under_way}the next is due {due:%Y-%m-%d %H:%M} UTC; last: {last}"

    @property
    def open_positions(self) -> int:
        """Pairs with a position."""
        return sum(1 for row in self.pairs.values() if row.get("exposure"))

    def age_s(self, bar_close_ns: int | None, now: datetime) -> float | None:
        """Seconds since a bar closed, by the venue's clock; a replay's time is its bars'."""
        if bar_close_ns is None:
            return None
        if self.began.get("feed") != "replay" or self.decided is None:
            return now.timestamp() + (self.clock_offset_ms or 0.0) / 1e3 - bar_close_ns / 1e9
        behind_s: float = (self.minute["close_ns"] - bar_close_ns) / 1e9
        return behind_s + (now - self.decided).total_seconds()

    @property
    def money(self) -> dict[str, Any]:
        """Mode, equity and exposure after the last minute; None where the journal does not say."""
        facts = {name: self.minute.get(name) for name in _MONEY}
        facts["backend"] = facts["backend"] or self.began.get("backend")
        facts["backend_wanted"] = self.began.get("backend_wanted")
        facts["open_orders"] = len(self.orders)
        facts["model"] = self.model or None
        facts["next_candidate_ns"] = self.next_candidate_ns
        facts["candidate"] = self.candidate
        facts["last_candidate"] = self.judged or None
        return facts

    def as_dict(self) -> dict[str, Any]:
        """The facts without the curves, for JSON."""
        return {
            "time": self.time_text,
            "ending": self.ending,
            "substitute": self.substitute,
            "reason": self.reason,
            "began": self.began,
            "minute": self.minute,
            "open_orders": list(self.orders.values()),
            "last_fill": self.fills[-1] if self.fills else None,
            "last_trade": self.trades[-1] if self.trades else None,
            "last_notice": self.notices[-1] if self.notices else None,
            "feed": self.feed,
            "feed_status": self.feed_status,
            "clock_offset_ms": self.clock_offset_ms,
        }

    def _started(self, event: Event) -> None:
        self.began = event
        self.feed.clear()
        self.feed_status.clear()

    def _minute(self, event: Event) -> None:
        close_ns = event["close_ns"]
        self.minute, self.decided = event, self.time
        self.equity.append(close_ns / 1e9, event["equity"])
        self.drawdown_frac.append(close_ns / 1e9, event["drawdown_frac"])
        if event.get("clock_offset_ms") is not None:
            self.clock_offset_ms = event["clock_offset_ms"]
        self.prices = {pair: kept for pair, kept in self.prices.items() if pair in event["pairs"]}
        for pair, row in event["pairs"].items():
            self._price(pair, row)
        for key, order in list(self.orders.items()):
            if order["close_ns"] < close_ns - ORDER_LIFE_NS:
                del self.orders[key]

    def _price(self, pair: str, row: dict[str, Any]) -> None:
        # No more than are read without gaps: of older minutes only some are.
        prices = self.prices.setdefault(pair, deque(maxlen=RECENT))
        bar = bar_of(row, prices[-1] if prices else None, traded=self.mode == "trading")
        if bar is None or (prices and bar.close_ns == prices[-1].close_ns):
            return  # a minute without a new bar
        if prices and bar.close_ns < prices[-1].close_ns:
            prices.clear()
        prices.append(bar)

    def _order(self, event: Event) -> None:
        self.orders[event["id"]] = event

    def _fill(self, event: Event) -> None:
        self.orders.pop(event["order_id"], None)
        self.fills.append(event)

    def _order_ended(self, event: Event) -> None:
        self.orders.pop(event["id"], None)

    def _trade(self, event: Event) -> None:
        self.trades.append(event)

    def _mode(self, event: Event) -> None:
        """A fault may come when no minute does."""
        if self.minute and "mode" in event:
            mode = {name: event.get(name) for name in ("mode", "mode_reason")}
            self.minute = self.minute | mode

    def _feed(self, event: Event) -> None:
        if event["kind"] == "clock_offset":
            offset_ns = event.get("offset_ns")
            self.clock_offset_ms = self.clock_offset_ms if offset_ns is None else offset_ns / 1e6
        elif event["kind"] == "status":
            self.feed_status[str(event.get("pair") or "")] = event
        else:
            self.feed[str(event.get("pair") or "")] = event


_HANDLERS = {
    "paper_started": PaperState._started,
    "minute": PaperState._minute,
    "order": PaperState._order,
    "fill": PaperState._fill,
    "order_expired": PaperState._order_ended,
    "order_canceled": PaperState._order_ended,
    "trade": PaperState._trade,
    "feed": PaperState._feed,
}
