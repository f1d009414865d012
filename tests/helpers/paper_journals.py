"""A made-up session of paper trading: journal, decisions, folder, in the engine's format."""

import math
from datetime import UTC, datetime
from pathlib import Path

from mlx_muzero.runlog import decision_log
from mlx_muzero.runlog.decision_log import DecisionRecord
from mlx_muzero.runlog.journal import Journal

PAIRS = ("BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT", "ADA/USDT", "DOGE/USDT", "LINK/USDT",
         "AVAX/USDT")  # fmt: skip
ACTIONS = ["NEUTRAL", "LONG_1", "LONG_2", "LONG_3", "SHORT_1", "SHORT_2", "SHORT_3"]
OUTCOMES = ["UP", "NEUTRAL", "DOWN"]
EXPOSURES = [0.0, 0.3, 0.6, 1.0, -0.3, -0.6, -1.0]
START_NS = 1_767_528_000_000_000_000  # 2026-01-04 12:00 UTC
MINUTE_NS = 60_000_000_000
LIMITS = {"daily_loss": 200.0, "drawdown": 0.1, "exposure_total": 6.0, "open_pairs": 8.0}


class Session:
    """Writes a session minute by minute, the same one every time."""

    def __init__(self, folder: Path, pairs=PAIRS):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "paper.toml").write_text("feed = 'replay'\n")
        self.folder, self.pairs, self.minutes, self.orders = folder, pairs, 0, 0
        self.now_ns = START_NS
        self._journal = Journal(folder / "journal.jsonl", self.clock)
        self._held = dict.fromkeys(pairs, 0.0)
        self._journal.append(
            "paper_started", model_run="runs/crypto", checkpoint="000012-episode-000512",
            pairs=list(pairs), actions=ACTIONS, outcomes=OUTCOMES, feed="replay", backend="native",
            simulations=25, unit="bps", notional=1000.0, limits=LIMITS, resumed=False, pid=1,
        )  # fmt: skip

    def clock(self):
        return datetime.fromtimestamp(self.now_ns / 1e9 + 0.5, UTC)

    def note(self, event, **facts):
        self._journal.append(event, **facts)

    def price(self, number, minute):
        wave = math.sin(minute / 7 + number) + 0.5 * math.sin(minute / 3 + 2 * number)
        return 90_000.0 / 6**number * (1 + 0.002 * wave)

    def bar(self, number, minute):
        """Open, high and low of the bar that ends then."""
        opened, closed = self.price(number, minute - 1), self.price(number, minute)
        reach = 0.0004 * closed * (1 + math.sin(5 * minute + number) ** 2)
        high, low = max(opened, closed) + reach, min(opened, closed) - reach
        return {"open": opened, "high": high, "low": low}

    def minute(self, mode="trading", reason="", ill=()):
        """Decide a minute; `ill` pairs are stale."""
        rows, total = {}, 0.0
        minute, self.minutes = self.minutes, self.minutes + 1
        self.now_ns = START_NS + minute * MINUTE_NS
        for number, pair in enumerate(self.pairs):
            action = (minute // 4 + number) % len(ACTIONS) if mode == "trading" else 0
            self._trade(pair, number, minute, EXPOSURES[action])
            held = self._held[pair]
            state = "stale" if pair in ill else "warming" if minute < 3 else "trading"
            state = "halted" if mode == "halted" else state
            row = {
                "state": state,
                "why": {"stale": "no bar for 95 s", "warming": "152 of 1440 bars"}.get(state, ""),
                "close": self.price(number, minute),
                **({} if pair in ill else self.bar(number, minute)),
                "bar_close_ns": self.now_ns - (2 * MINUTE_NS if pair in ill else 0),
                "position": ACTIONS[EXPOSURES.index(held)],
                "exposure": held,
                "entry_price": self.price(number, minute - 2) if held else None,
                "unrealized": 40 * held * math.sin(minute / 5 + number),
            }
            if state == "trading":
                shares = [2.0 if at == action else 0.5 for at in range(len(ACTIONS))]
                up = 0.35 + 0.2 * math.sin(minute / 6 + number)
                row |= {
                    "action": action,
                    "probabilities": [share / sum(shares) for share in shares],
                    "outcomes": [up, 0.25, 0.75 - up],
                    "value": 0.1 * math.sin(minute / 9 + number),
                }
            rows[pair] = row
            total += abs(held)
        equity = 10_000 + 60 * math.sin(minute / 40) + minute / 4
        drawdown = 0.004 * (1 - math.sin(minute / 40)) / 2
        self.note(
            "minute", close_ns=self.now_ns, mode=mode, mode_reason=reason, equity=equity,
            realized=minute / 4, unrealized=sum(row["unrealized"] for row in rows.values()),
            cash=10_000.0, peak_equity=10_070.0, drawdown_frac=drawdown, day_pnl=equity - 10_000,
            exposure_total=total, simulations=25,
            latency_ms={"observe": 3.1, "search": 38.0, "orders": 0.6, "total": 41.7},
            risk={name: {"used": limit * (0.2 + 0.25 * place), "limit": limit}
                  for place, (name, limit) in enumerate(LIMITS.items())},
            clock_offset_ms=12.0, pairs=rows,
        )  # fmt: skip

    def decide(self, pair=None):
        """Record the tree behind the last minute's decision for a pair."""
        append_decision(self.folder / "decisions", pair or self.pairs[0], self.now_ns)

    def _trade(self, pair, number, minute, exposure):
        held = self._held[pair]
        if held == exposure or minute % 4:
            return
        self.orders += 1
        order = self.orders
        self.note("order", id=order, pair=pair, close_ns=self.now_ns, action="",
                  from_exposure=held, to_exposure=exposure)  # fmt: skip
        if number == 3:
            return
        price = self.price(number, minute)
        self.note("fill", id=order, order_id=order, pair=pair, fill_ns=self.now_ns + 2_000_000_000,
                  units=(exposure - held) * 1000 / price, price=price, fee=0.4, slippage=0.1,
                  exposure=exposure)  # fmt: skip
        if held:
            self.note("trade", pair=pair, exposure=held, entry_ns=self.now_ns - 4 * MINUTE_NS,
                      exit_ns=self.now_ns, entry_price=price * 0.999, exit_price=price,
                      gross=held, cost=0.5, funding=0.0, net=held - 0.5)  # fmt: skip
        self._held[pair] = exposure


def append_decision(folder, pair, close_ns, episodes=None):
    """A decision with a tree of three actions, their outcomes and one decision below."""
    parent = [-1, 0, 0, 0, 1, 1, 1, 2, 2, 2, 4, 4, 10, 10, 11, 11, 5, 16, 16]
    below = [None, None, None]
    tree = {
        "node": list(range(len(parent))),
        "parent": parent,
        "kind": [0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0],
        "action_or_outcome": [-1, 1, 0, 4, 0, 1, 2, 0, 1, 2, 1, 0, 0, 1, 0, 1, 0, 0, 1],
        "prior": [None, 0.3, 0.4, 0.1] + [None] * 6 + [0.6, 0.2, None] + below + [0.5, None, None],
        "visits": [26, 17, 7, 1, 12, 4, 1, 3, 2, 2, 8, 3, 4, 2, 1, 1, 3, 1, 1],
        "value": [0.12, 0.21, 0.02, -0.3, 0.3, 0.05, -0.4, 0.1, 0.0, -0.1, 0.33, 0.2, 0.4, 0.1,
                  0.2, 0.1, 0.04, 0.1, 0.0],
        "reward": [None] * 4 + [0.2, 0.0, -0.25, 0.0, 0.0, 0.0, None, None, 0.18, 0.02, 0.0, 0.0,
                                None, 0.0, 0.0],
        "depth": [0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 1, 2, 2],
        "probability": [None] * 4 + [0.6, 0.3, 0.1, 0.5, 0.3, 0.2, None, None, 0.7, 0.2, 0.4, 0.35,
                                     None, 0.3, 0.4],
    }  # fmt: skip
    record = DecisionRecord(
        close_ns=close_ns, pair=pair, action=1, episodes=episodes, action_names=ACTIONS,
        outcome_names=OUTCOMES, position="NEUTRAL",
        prior=[0.4, 0.3, 0.1, 0.05, 0.1, 0.03, 0.02], visits=[7, 17, 0, 0, 1, 0, 0],
        q=[0.02, 0.21, 0.0, 0.0, -0.3, 0.0, 0.0], value=0.12, network_value=0.08,
        outcomes=decision_log.outcomes_by_action(tree, len(ACTIONS), len(OUTCOMES)),
        threshold_pips=3.4, latency_ms=41.7, tree=decision_log.bounded_tree(tree),
    )  # fmt: skip
    decision_log.append(folder, record)
