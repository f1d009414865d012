"""Whether the prices of a file go on from those stored, or are another instrument's.

Wherever new bars meet stored ones, before, after or between them or in their place, the step from
one to the other is held against what the symbol has moved itself over as long a time, and against a
floor for what it has not shown yet. Moves grow with the square root of time, as those of a random
walk do.
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
"""How far a price may step within a day, whatever its past: most days of a crisis stay below."""

# Two bars count as a gap apart if the later one is not much later than that: no hole between.
_LATER_FRAC = 0.5
_LATER_NS = 10 * MINUTE_NS


@dataclass(frozen=True)
class Jump:
    """A step between a stored and a new price that nothing explains.

    Attributes:
        before_ns: when the bar before it opens.
        before: its close.
        after_ns: when the bar after it opens.
        after: its price.
        after_is_new: whether that bar is the file's and the other the store's.
        allowed_frac: share of `before` by which the price may step in that direction, with its
            sign.
    """

    before_ns: int
    before: float
    after_ns: int
    after: float
    after_is_new: bool
    allowed_frac: float

    @property
    def span(self) -> str:
        """How long it took, in words."""
        replaced = self.after_ns == self.before_ns
        return "in the place of a stored price" if replaced else "over as long a time"

    def __str__(self) -> str:
        """The step in words."""
        first, second = ("stored", "new") if self.after_is_new else ("new", "stored")
        return (
            f"from {self.before:g} ({first}, {utc_text(self.before_ns)} UTC) to {self.after:g} "
            f"({second}, {utc_text(self.after_ns)} UTC), {self.after / self.before - 1:+.1%}"
        )


def jumps(seams: Seams, stored: Callable[[], Bars], market: Market) -> list[Jump]:
    """The seams whose step is larger than the symbol's own moves and the floor.

    Args:
        seams: where new bars of one symbol meet stored ones.
        stored: loads its bars; called only where the floor is passed.
        market: trading hours it keeps.
    """
    step = np.log(seams.after / seams.before)
    gap_ns = seams.after_ns - seams.before_ns
    # A fall by some share is a longer way than a rise by as much.
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
    """Largest logarithmic move between bars `gap_ns` apart; 0 where no two are.

    Args:
        open_time_ns: ``i64[T]`` increasing.
        close: ``f64[T]`` positive.
        gap_ns: how long.
    """
    later = np.searchsorted(open_time_ns, open_time_ns + gap_ns)
    first = np.flatnonzero(later < len(close))
    later = later[first]
    latest = open_time_ns[first] + gap_ns + max(int(_LATER_FRAC * gap_ns), _LATER_NS)
    within = open_time_ns[later] <= latest
    moves = np.abs(np.log(close[later[within]] / close[first[within]]))
    return float(moves.max(initial=0.0))


def require_no_jump(path: Path, symbol: str, found: Sequence[Jump]) -> None:
    """DataError if there are any; it says what to do.

    Args:
        path: the file.
        symbol: whose bars.
        found: what `jumps` found.
    """
    if found:
        worst = max(found, key=lambda jump: abs(np.log(jump.after / jump.before)))
        raise DataError(
            f"{path}: refused, the store is unchanged: its prices do not continue from those of "
            f"{symbol}: {worst}; {worst.span} {symbol} is allowed "
            f"{worst.allowed_frac:+.1%}. If this is another instrument, import it under its own "
            "name with --symbol; if prices did jump like that, take it with --accept-jump"
        )
