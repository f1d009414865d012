"""Decides whether an entire file is corrupt: single bad rows are left out, corrupt files refused.

Thresholds come from real minute data. In 5 million clean bars of HistData, FXCM and Binance,
including the crisis of 2008, no minute moves 10 % and no FX bar falls on a Saturday; one HistData
month with other instruments mixed in has 14,000 such moves, another has 163 Saturday bars.
"""

from dataclasses import dataclass, field

import numpy as np

from mlx_muzero.errors import DataError
from mlx_muzero.market.bars import utc_text
from mlx_muzero.market.importers.rejects import (
    EXAMPLES,
    FEW,
    Allowance,
    Rejected,
    RejectedRows,
    examples,
)
from mlx_muzero.market.instrument import Market
from mlx_muzero.timeunits import DAY_NS, MINUTE_NS
from mlx_muzero.types import F64, I64

# A bar is wild if it spans more than this, or opens this far from the last close. A real crash has
# a handful of such minutes; small coins move further in a minute than currencies.
WILD_MOVE_FRAC = {"fx": 0.10, "crypto": 0.50}
WILD_MAX_FRAC = 0.0005
WILD_ALWAYS_ALLOWED = 10

# FX is closed all Saturday, UTC. Half an hour of stray quotes may be a vendor's test.
SATURDAY_MAX_FRAC = 0.0001
SATURDAY_ALWAYS_ALLOWED = 30

_SATURDAY = 2  # days since Thursday, 1970-01-01


@dataclass
class Screen:
    """What has been seen of one symbol of a file so far.

    Attributes:
        symbol: the symbol.
        market: its trading hours.
        allowance: how many of the file's rows may be rejected.
        rows: number of bars.
        ticks: number of good rows, if bars are made of ticks; None where they are the rows.
        flats: number of minutes without a tick that were left out.
        rejected: the rejected rows.
        wild_count: number of bars that move too far.
        wild: the first of them.
        saturday_count: number of FX bars on a Saturday.
        saturday: the first of them.
        shortest_step_ns: shortest time between two bars, None before the second.
        first_ns: earliest bar open, None before the first.
        last_ns: latest bar open, None before the first.
    """

    symbol: str
    market: Market
    allowance: Allowance = FEW
    rows: int = 0
    ticks: int | None = None
    flats: int = 0
    rejected: RejectedRows = RejectedRows()
    wild_count: int = 0
    wild: list[Rejected] = field(default_factory=list)
    saturday_count: int = 0
    saturday: list[Rejected] = field(default_factory=list)
    shortest_step_ns: int | None = None
    first_ns: int | None = None
    last_ns: int | None = None
    _last_close: float = float("nan")
    _previous_ns: int | None = None

    def see(self, utc_ns: I64, lines: I64, columns: dict[str, F64], rejected: RejectedRows) -> None:
        """Add consecutive rows of the file (shapes as in `Chunk`, times in UTC)."""
        self.rejected += rejected
        if not len(utc_ns):
            return
        self.rows += len(utc_ns)
        self._see_times(utc_ns)
        suffix = "" if "close" in columns else "_ask"
        o, h, low, c = (columns[name + suffix] for name in ("open", "high", "low", "close"))
        before = np.concatenate([[self._last_close], c[:-1]])
        self._last_close = float(c[-1])
        limit = WILD_MOVE_FRAC[self.market]
        wild = np.flatnonzero((h > low * (1 + limit)) | (np.abs(np.log(o / before)) > limit))
        self.wild_count += len(wild)
        for row in wild[: EXAMPLES - len(self.wild)]:
            prices = f"open {o[row]:g}, high {h[row]:g}, low {low[row]:g}"
            self.wild.append(
                Rejected(int(lines[row]), "wild price", f"after {before[row]:g}: {prices}")
            )
        if self.market == "fx":
            days = np.flatnonzero(utc_ns // DAY_NS % 7 == _SATURDAY)
            self.saturday_count += len(days)
            for row in days[: EXAMPLES - len(self.saturday)]:
                text = utc_text(int(utc_ns[row])) + " UTC"
                self.saturday.append(Rejected(int(lines[row]), "Saturday", text))

    def retract(self, row: Rejected) -> None:
        """Reject a row that was added before."""
        self.rows -= 1
        self.rejected += RejectedRows(1, (row,))

    def check_so_far(self, file: str, left: int) -> None:
        """Raise if the file has too many bad rows even if all `left` remaining rows are good.

        Raises:
            DataError: as `check`; the rest of the file need not be read.
        """
        fault = self.allowance.fault(self.rejected, self._seen, left)
        if left and fault:
            start = f"{file}: {self.symbol} refused before its end, the store is unchanged"
            raise DataError(f"{start}:\n  - {fault}")

    def check(self, file: str) -> None:
        """Raise if the file as a whole cannot be trusted.

        Raises:
            DataError: it cannot; gives every reason with its count and first lines.
        """
        faults = []
        seen = self._seen
        # A day on which the market is closed may have none.
        if not self.rows and not self.flats:
            faults.append(f"no good row among {seen:,}" + examples(self.rejected.first))
        elif fault := self.allowance.fault(self.rejected, seen):
            faults.append(fault)
        faults += self.unlikely()
        step_ns = None if self.ticks is not None else self.shortest_step_ns
        if step_ns is not None and step_ns > MINUTE_NS:
            minutes = step_ns // MINUTE_NS
            faults.append(
                f"no two bars are one minute apart (the closest are {minutes} minutes apart): "
                "import one-minute bars"
            )
        if faults:
            reasons = "\n".join(f"  - {fault}" for fault in faults)
            raise DataError(f"{file}: {self.symbol} refused, the store is unchanged:\n{reasons}")

    def unlikely(self) -> list[str]:
        """Faults that no real market shows so often, each with its count and first lines."""
        faults = []
        if self.wild_count > max(WILD_ALWAYS_ALLOWED, WILD_MAX_FRAC * self.rows):
            limit = WILD_MOVE_FRAC[self.market]
            faults.append(
                f"{self.wild_count:,} bars move more than {limit:.0%} in a minute, as if other"
                " instruments were mixed in" + examples(tuple(self.wild))
            )
        if self.saturday_count > max(SATURDAY_ALWAYS_ALLOWED, SATURDAY_MAX_FRAC * self.rows):
            faults.append(
                f"{self.saturday_count:,} bars fall on a Saturday (UTC), when FX is closed: the"
                " file is damaged, or keeps another clock than assumed"
                + examples(tuple(self.saturday))
            )
        return faults

    @property
    def _seen(self) -> int:
        """Number of rows of the file so far, including rejected ones."""
        return (self.rows if self.ticks is None else self.ticks) + self.rejected.count

    def _see_times(self, utc_ns: I64) -> None:
        head = [] if self._previous_ns is None else [self._previous_ns]
        self._previous_ns = int(utc_ns[-1])
        steps = np.abs(np.diff(np.concatenate([np.array(head, np.int64), utc_ns])))
        steps = steps[steps > 0]
        if len(steps):
            shortest = int(steps.min())
            self.shortest_step_ns = min(shortest, self.shortest_step_ns or shortest)
        low, high = int(utc_ns.min()), int(utc_ns.max())
        self.first_ns = low if self.first_ns is None else min(low, self.first_ns)
        self.last_ns = high if self.last_ns is None else max(high, self.last_ns)
