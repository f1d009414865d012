"""What the rules in force change in the worth of leaves, read in a model's market chain."""

from collections import OrderedDict

import numpy as np

from mlx_muzero.agent.moment import Moment
from mlx_muzero.agent.timetable import Stretch, Timetable
from mlx_muzero.search.chain_values import ChainMarket
from mlx_muzero.types import F32, F64, I64

_MOST_KEPT_BYTES = 1 << 29


class LeafChange:
    """The difference of worth between the rules in force and those of the training.

    Rules that only repeat are solved for ever. Limits, swap and funding are read backward along a
    stretch of their timetable, which many decisions share, from a solution of what holds at its
    end.

    Args:
        market: the chain.
        now: of the rules in force.
        then: of the rules of the training, which repeat.
    """

    def __init__(self, market: ChainMarket, now: Timetable, then: Timetable) -> None:
        self._market, self._now = market, now
        self._then = market.forever(then.terms, np.arange(then.phases))
        self._forever = market.forever(now.terms, np.arange(now.phases)) if now.repeats else None
        self._read: OrderedDict[tuple[bytes, float], F32] = OrderedDict()
        self._conditions: dict[Stretch, bytes] = {}

    def of(self, moment: Moment, accounts: int, later: int) -> tuple[F64, I64]:
        """What changes in the worth of B accounts so many bars later.

        Where only the rules of the training follow a clock, their mean stands for an unknown
        minute.

        Returns:
            ``f64[R, G, S]`` changes by market state of the chain, and ``i64[B]`` which of them
            each account has.
        """
        minute, bar = (
            None if now is None else (now + later).tolist() for now in (moment.minute, moment.bar)
        )
        rate = [0.0] * accounts
        if self._now.follows_settlements and moment.funding_rate is not None:
            rate = np.nan_to_num(moment.funding_rate).tolist()
        rows: dict[tuple[object, ...], int] = {}
        changes: list[F64] = []
        row = np.empty(accounts, np.int64)
        for account in range(accounts):
            at = (
                None if minute is None else minute[account],
                None if bar is None else bar[account],
            )
            key = (rate[account], *self._place(*at))
            if key not in rows:
                rows[key] = len(changes)
                changes.append(self._worth_now(*at, rate[account]) - self._worth_then(at[0]))
            row[account] = rows[key]
        return np.stack(changes), row

    def _place(self, minute: int | None, bar: int | None) -> tuple[object, ...]:
        """All that a change depends on, beside the last settlement."""
        phase = None if minute is None else minute % len(self._then)
        if self._forever is not None:
            return phase, None if minute is None else minute % len(self._forever)
        return phase, *self._now.stretch(minute, bar)

    def _worth_then(self, minute: int | None) -> F64:
        """``f64[G, S]`` under the rules of the training."""
        if minute is None:
            return np.asarray(self._then.mean(axis=0))
        return np.asarray(self._then[minute % len(self._then)])

    def _worth_now(self, minute: int | None, bar: int | None, rate: float) -> F64:
        """``f64[G, S]`` under the rules in force, where funding settles at `rate`."""
        if self._forever is not None:
            return np.asarray(self._forever[0 if minute is None else minute % len(self._forever)])
        stretch, place = self._now.stretch(minute, bar)
        return self._along(stretch, rate)[place].astype(np.float64)

    def _along(self, stretch: Stretch, rate: float) -> F32:
        """``f32[length, G, S]`` worth from each bar of a stretch on; if empty, what follows it."""
        if stretch not in self._conditions:
            self._conditions[stretch] = self._now.along(stretch).tobytes()
        key = self._conditions[stretch], rate
        if key in self._read:
            self._read.move_to_end(key)
            return self._read[key]
        condition = np.frombuffer(self._conditions[stretch], np.int64)
        whole, terms = len(condition) - self._now.phases, self._now.settling(rate).terms
        beyond = self._market.forever(terms, condition[whole:])
        worth = self._market.back_from(beyond[0], terms, condition[: whole + 1])
        kept = (worth[: stretch.length] if stretch.length else beyond).astype(np.float32)
        while self._read and (len(self._read) + 1) * kept.nbytes > _MOST_KEPT_BYTES:
            self._read.popitem(last=False)
        self._read[key] = kept
        return kept
