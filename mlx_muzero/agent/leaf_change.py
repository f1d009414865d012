"""What the rules in force change in the worth of leaves, read in a model's market chain."""

from collections import OrderedDict
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from mlx_muzero.agent.moment import Moment
from mlx_muzero.agent.timetable import Stretch, Timetable
from mlx_muzero.search.chain_values import ChainMarket
from mlx_muzero.types import F32, F64, I32, I64

_MOST_KEPT_BYTES = 1 << 29


class _At(NamedTuple):
    """What a change of worth depends on: the time, where it counts, and the expected funding."""

    minute: int | None
    bar: int | None
    rate: float


class LeafChange:
    """The difference of worth between the rules in force and those of the training.

    Args:
        market: the chain.
        now: of the rules in force.
        then: of the rules of the training.
        seen: ``i32[S]`` account state that the training knew for each of those now; None: the same.
    """

    def __init__(
        self, market: ChainMarket, now: Timetable, then: Timetable, seen: I32 | None = None
    ) -> None:
        self._now, self._then = (_ChainWorth(market, timetable) for timetable in (now, then))
        self._follows_settlements = now.follows_settlements
        self._follows_clock = now.follows_clock or then.follows_clock
        self._seen = slice(None) if seen is None else seen

    def of(self, moment: Moment, accounts: int, later: int) -> tuple[F64, I64]:
        """What changes in the worth of B accounts so many bars later.

        Where only the rules of the training follow a clock, their mean stands for an unknown
        minute.

        Returns:
            ``f64[R, G, S]`` changes by market state of the chain, and ``i64[B]`` which of them
            each account has.
        """
        minute = moment.minute if self._follows_clock else None
        whens = [
            [None] * accounts if now is None else (now + later).tolist()
            for now in (minute, moment.bar)
        ]
        rate = [0.0] * accounts
        if self._follows_settlements and moment.funding_rate is not None:
            rate = np.nan_to_num(moment.funding_rate).tolist()
        each = [_At(*at) for at in zip(*whens, rate, strict=True)]
        rows: dict[tuple[object, ...], int] = {}
        changes: list[F64] = []
        row_at: dict[_At, int] = {}
        for at in dict.fromkeys(each):
            when = at.minute, at.bar
            key = (at.rate, self._then.place(*when), self._now.place(*when))
            if key not in rows:
                rows[key] = len(changes)
                learned = self._then.of(*when, 0.0)[:, self._seen]
                changes.append(self._now.of(*when, at.rate) - learned)
            row_at[at] = rows[key]
        return np.stack(changes), np.array([row_at[at] for at in each])


class _ChainWorth:
    """Worth of account states in each state of the chain, by the time.

    Rules that only repeat are solved for ever. Limits, swap and funding are read backward along a
    stretch of their timetable, which many decisions share, from a solution of what holds at its
    end, or from the accounts' end. A discount stands for an end that nobody knows.
    """

    def __init__(self, market: ChainMarket, timetable: Timetable) -> None:
        if timetable.session_bars:
            market = replace(market, discount=1.0)
        self._market, self._timetable = market, timetable
        phases = np.arange(timetable.phases)
        self._forever = market.forever(timetable.terms, phases) if timetable.repeats else None
        self._read: OrderedDict[tuple[bytes, float, bool], F32] = OrderedDict()
        self._conditions: dict[Stretch, bytes] = {}

    def place(self, minute: int | None, bar: int | None) -> object:
        """All that worth depends on, beside the expected funding."""
        if self._forever is not None:
            return None if minute is None else minute % len(self._forever)
        return self._timetable.stretch(minute, bar)

    def of(self, minute: int | None, bar: int | None, rate: float) -> F64:
        """``f64[G, S]`` of a decision, where funding settles at `rate`."""
        if self._forever is not None:
            if minute is None:
                return np.asarray(self._forever.mean(axis=0))
            return np.asarray(self._forever[minute % len(self._forever)])
        stretch, place = self._timetable.stretch(minute, bar)
        return self._along(stretch, rate)[place].astype(np.float64)

    def _along(self, stretch: Stretch, rate: float) -> F32:
        """``f32[length, G, S]`` worth from each bar of a stretch on; if empty, what follows it.

        Where the stretch ends all, what accounts have then comes last.
        """
        if stretch not in self._conditions:
            self._conditions[stretch] = self._timetable.along(stretch).tobytes()
        key = self._conditions[stretch], rate, stretch.ends
        if key in self._read:
            self._read.move_to_end(key)
            return self._read[key]
        condition = np.frombuffer(self._conditions[stretch], np.int64)
        terms = self._timetable.settling(rate).terms
        whole = len(condition) - self._timetable.phases
        if stretch.ends:
            beyond = np.tile(-self._timetable.leaving, (1, len(self._market.move), 1))
        else:
            beyond = self._market.forever(terms, condition[whole:])
        worth = self._market.back_from(beyond[0], terms, condition[: whole + 1])
        if stretch.ends:
            worth = np.concatenate([worth, beyond])
        elif stretch.length:
            worth = worth[: stretch.length]
        else:
            worth = beyond
        kept = worth.astype(np.float32)
        while self._read and (len(self._read) + 1) * kept.nbytes > _MOST_KEPT_BYTES:
            self._read.popitem(last=False)
        self._read[key] = kept
        return kept
