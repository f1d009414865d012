"""Journals at the edges of what an event may be: every kind, with values that nobody meant."""

import json
from random import Random

from mlx_muzero.watch.events import SHAPES

NUMBERS = [0, 1, -1, 0.5, 1e18, -1e18, 1e-300, -5e-324, 3, 100, 1e9, None, 2**62, -0.0, 7.5e-5]
COUNTS = [0, 1, 5, 100, 10**17, 10**18]
TEXTS = ["A", "BTC/USDT", "trading", "stale", "", "x" * 3000, "\x1b[2J", "[/b]", "stopped", "bps",
         "coreml", "a\nb", "日本", "search", "pips", "\ud800", "critical"]  # fmt: skip
TIMES = ["2026-01-04T12:00:00+00:00", "1970-01-01T00:00:00+00:00", "2199-12-31T23:59:59+00:00",
         "2026-01-04T12:30:00+14:00", "bad", None]  # fmt: skip
TIMES_NS = [0, 1, -1, 2**63 - 1, -(2**63), 1_767_528_000_000_000_000]

FIELDS_OF_NUMBERS = [
    "equity",
    "drawdown_frac",
    "day_pnl",
    "unrealized",
    "exposure_total",
    "clock_offset_ms",
    "from_exposure",
    "to_exposure",
    "units",
    "price",
    "fee",
    "net",
    "offset_ns",
    "value",
    "threshold",
    "total",
    "gradient_norm",
    "overflow_frac",
    "steps_per_s",
    "min_trade_frac",
    "decisions_per_s",
    "trade_frac",
    "memory_mb",
    "disk_wait_s",
    "temperature",
]
FIELDS_OF_COUNTS = [
    "id",
    "order_id",
    "episodes",
    "steps",
    "episodes_due",
    "replay_capacity",
    "replay_episodes",
]
FIELDS_OF_TEXTS = [
    "mode",
    "mode_reason",
    "backend",
    "pair",
    "kind",
    "reason",
    "limit",
    "reaction",
    "what",
    "name",
    "source",
    "consequence",
    "unit",
    "checkpoint",
    "phase",
    "alarm",
    "feed",
    "backend_wanted",
    "status",
    "why",
]
FIELDS_OF_TIMES = ("close_ns", "fill_ns", "exit_ns", "from_ns", "to_ns")


class HostileLines:
    """Draws lines from a seed; most are events in their shape, and some are not."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def journal(self, lines: int) -> bytes:
        """So many lines."""
        events = [self._event(self._one_of(sorted(SHAPES))) for _ in range(lines)]
        return b"".join(json.dumps(event).encode() + b"\n" for event in events)

    def _one_of(self, values):
        return self._random.choice(values)

    def _some(self, values, most=4):
        return [self._one_of(values) for _ in range(self._random.randint(0, most))]

    def _event(self, kind):
        facts = {
            **{name: self._one_of(NUMBERS) for name in FIELDS_OF_NUMBERS},
            **{name: self._one_of(COUNTS) for name in FIELDS_OF_COUNTS},
            **{name: self._one_of(TEXTS) for name in FIELDS_OF_TEXTS},
            **{name: self._one_of(TIMES_NS) for name in FIELDS_OF_TIMES},
            "best": self._one_of([True, False]),
            "latency_ms": {"total": self._one_of(NUMBERS)},
            "risk": {name: {"used": self._one_of(NUMBERS), "limit": self._one_of(NUMBERS)}
                     for name in self._some([*TEXTS, "drawdown_frac"])},
            "losses": {name: self._one_of(NUMBERS) for name in self._some(["policy", *TEXTS])},
            "metrics": {"expectancy_pips": self._one_of(NUMBERS), "win_frac": self._one_of(NUMBERS),
                        "trades": self._one_of([*COUNTS, None])},
            "forecast": {"calibration_error": self._one_of([0, 1e18]), "predicted": self._shares(),
                         "realized": self._shares(),
                         "calibration": [{"predicted": share, "observed": -share}
                                         for share in self._shares()]},
            "outcomes": self._some(TEXTS),
        }  # fmt: skip
        kept = {name: value for name, value in facts.items() if self._random.random() < 0.75}
        kept["actions"] = self._some(TEXTS) if "started" in kind else {"HOLD": 0, "BUY": 10**17}
        kept["pairs"] = self._some(TEXTS) if "started" in kind else self._pairs()
        return {"event": kind, "time": self._one_of(TIMES), **kept}

    def _shares(self):
        return self._some([0.0, 0.3, 1.0, 1e18, -5])

    def _pairs(self):
        return {name: self._pair() for name in self._some(TEXTS)}

    def _pair(self):
        row = {
            "state": self._one_of(TEXTS),
            "why": self._one_of(TEXTS),
            "bar_close_ns": self._one_of([*TIMES_NS, None]),
            "action": self._one_of([*COUNTS, None]),
            "probabilities": self._one_of([None, self._shares()]),
            "outcomes": self._one_of([None, self._shares()]),
            **{name: self._one_of(NUMBERS) for name in ("close", "exposure", "unrealized")},
            "value": self._one_of(NUMBERS),
        }
        return {name: value for name, value in row.items() if self._random.random() < 0.6}
