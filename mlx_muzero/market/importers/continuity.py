"""Checks that a file's prices continue those stored, rather than being another instrument's.

Wherever new bars adjoin stored ones (before, after, between, or replacing them), the step between
them is compared with the symbol's own largest move over the same time, and with a floor for moves
that it has not shown yet. Moves scale with the square root of time, as in a random walk.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mlx_muzero.errors import DataError
from mlx_muzero.market.bars import Bars, utc_text
from mlx_muzero.market.instrument import Market
from mlx_muzero.market.store.staging import Seams
from mlx_muzero.timeunits import DAY_NS, MINUTE_NS
from mlx_muzero.types import F64, I64

DAILY_MOVE_FRAC: dict[Market, float] = {"fx": 0.05, "crypto": 0.30}
"""Step allowed within a day whatever the history: most days of a crisis stay below it."""

# Bars count as a gap apart unless the later one comes much later than that, after a hole.
_LATER_FRAC = 0.5
_LATER_NS = 10 * MINUTE_NS

_BLOCK_BARS = 2**18
"""Bars whose moves are found at once, which bounds what that takes."""


@dataclass(frozen=True)
class Jump:
    """An unexplained step between a stored price and a new one.

    Attributes:
        before_ns: open of the bar before it.
        before: close of that bar.
        after_ns: open of the bar after it.
        after: price of that bar.
        after_is_new: whether the bar after it is the new one, and the bar before it stored.
        allowed_frac: signed share of `before` by which the price may step in that direction.
    """

    before_ns: int
    before: float
    after_ns: int
    after: float
    after_is_new: bool
    allowed_frac: float

    @property
    def span(self) -> str:
        """The time it spans, in words."""
        replaced = self.after_ns == self.before_ns
        return "as a replacement for a stored price" if replaced else "over the same time"

    def __str__(self) -> str:
        """The step in words."""
        first, second = ("stored", "new") if self.after_is_new else ("new", "stored")
        return (
            f"from {self.before:g} ({first}, {utc_text(self.before_ns)} UTC) to {self.after:g} "
            f"({second}, {utc_text(self.after_ns)} UTC), {self.after / self.before - 1:+.1%}"
        )


def jumps(seams: Seams, stored: Callable[[], Bars], market: Market) -> list[Jump]:
    """The seams whose step exceeds both the symbol's own moves and the floor.

    Args:
        seams: where new bars of one symbol adjoin stored ones.
        stored: loads its stored bars; called only if a step exceeds the floor.
        market: the trading hours it keeps.
    """
    step = np.log(seams.after / seams.before)
    gap_ns = seams.after_ns - seams.before_ns
    # In logarithms, a fall by some share is larger than a rise by the same share.
    daily = np.abs(np.log1p(np.sign(step) * DAILY_MOVE_FRAC[market]))
    floor = daily * np.sqrt(np.maximum(gap_ns / DAY_NS, 1.0))
    large = np.flatnonzero(np.abs(step) > floor)
    if not len(large):
        return []
    past = stored()
    found = []
    for row in large:
        own = largest_move(past.open_time_ns, past.close, int(gap_ns[row]))
        allowed = max(float(floor[row]), own)
        if abs(step[row]) > allowed:
            found.append(
                Jump(
                    before_ns=int(seams.before_ns[row]),
                    before=float(seams.before[row]),
                    after_ns=int(seams.after_ns[row]),
                    after=float(seams.after[row]),
                    after_is_new=bool(seams.after_is_new[row]),
                    allowed_frac=float(np.expm1(np.copysign(allowed, step[row]))),
                )
            )
    return found


def largest_move(open_time_ns: I64, close: F64, gap_ns: int) -> float:
    """Largest logarithmic move between bars `gap_ns` apart; 0 if there are none.

    Args:
        open_time_ns: ``i64[T]`` opens of the bars, increasing.
        close: ``f64[T]`` closes, positive.
        gap_ns: time between the two bars.
    """
    longest = 0.0
    for start in range(0, len(close), _BLOCK_BARS):
        times, before = (column[start : start + _BLOCK_BARS] for column in (open_time_ns, close))
        later = np.searchsorted(open_time_ns, times + gap_ns)
        latest = times + gap_ns + max(int(_LATER_FRAC * gap_ns), _LATER_NS)
        follows = later < len(close)
        follows[follows] = open_time_ns[later[follows]] <= latest[follows]
        moves = np.abs(np.log(close[later[follows]] / before[follows]))
        longest = max(longest, float(moves.max(initial=0.0)))
    return longest


def require_no_jump(path: Path, symbol: str, found: Sequence[Jump]) -> None:
    """Raise DataError, saying what to do, if there are any jumps.

    Args:
        path: the file.
        symbol: the symbol.
        found: the result of `jumps`.
    """
    if found:
        worst = max(found, key=lambda jump: abs(np.log(jump.after / jump.before)))
        raise DataError(
            f"{path}: refused, the store is unchanged: its prices do not continue from those of "
            f"{symbol}: {worst}; {worst.span} {symbol} is allowed "
            f"{worst.allowed_frac:+.1%}. If this is another instrument, import it under its own "
            "name with --symbol; if prices did jump like that, take it with --accept-jump"
        )
