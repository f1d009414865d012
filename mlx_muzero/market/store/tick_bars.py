"""Makes minute bars of bid and ask from ticks, however many there are and in whatever order."""

from collections.abc import Iterator

import numpy as np

from mlx_muzero.market.store.database import Database
from mlx_muzero.market.store.duckdb_files import Columns
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import F64, I64

BARS_PER_BATCH = 250_000

# The order of ticks within a minute is one number: microseconds, then this many bits for the line.
_LINE_BITS = 37
_US_NS = 1_000

# Without the noise of summing, a volume equals that of the vendor's own bars.
_VOLUME_DECIMALS = 6

_SIDES = {"bid": "", "ask": "_ask"}
_OHLC = ("open", "high", "low", "close")
_PRICES = ", ".join(name + side for side in _SIDES.values() for name in _OHLC)

_AS_GROUPS = ", ".join(
    ["select minute, rank as first, rank as last, line, volume"]
    + [f"{price} as {name}{side}" for price, side in _SIDES.items() for name in _OHLC]
)
"""Each tick as a group of its own."""
_FOLD = ", ".join(
    [
        "select minute, min(first) as first, max(last) as last, min(line) as line",
        "sum(volume) as volume",
    ]
    + [
        f"arg_min(open{side}, first) as open{side}, max(high{side}) as high{side},"
        f" min(low{side}) as low{side}, arg_max(close{side}, last) as close{side}"
        for side in _SIDES.values()
    ]
)
"""Merges the groups of each minute: those of single ticks, or of blocks of them."""


class TickBars:
    """Groups ticks by minute.

    A minute opens with its earliest tick and closes with its latest; of ticks at the same time,
    their order in the file decides. Memory does not grow with the number of ticks.

    Args:
        db: a database of its own, of one thread, as sums of volumes depend on their order.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        columns = ", ".join(f"{name} double" for name in ("volume", *_PRICES.split(", ")))
        db.execute(
            f"create table groups(minute bigint, first bigint, last bigint, line bigint, {columns})"
        )

    def add(self, time_ns: I64, lines: I64, bid: F64, ask: F64, volume: F64) -> None:
        """Add ticks.

        Args:
            time_ns: ``i64[T]`` times.
            lines: ``i64[T]`` line numbers, each once.
            bid: ``f64[T]`` bid prices.
            ask: ``f64[T]`` ask prices.
            volume: ``f64[T]`` what each tick adds to the volume of its bar.
        """
        minute = time_ns // MINUTE_NS
        rank = ((time_ns - minute * MINUTE_NS) // _US_NS << _LINE_BITS) + lines
        columns = {"bid": bid, "ask": ask, "volume": volume, "line": lines}
        ticks = {name: np.ascontiguousarray(values) for name, values in columns.items()}
        self._db.register("ticks", ticks | {"minute": minute, "rank": rank})
        self._db.execute(
            f"insert into groups by name {_FOLD} from ({_AS_GROUPS} from ticks) group by minute"
        )
        self._db.unregister("ticks")

    def batches(self) -> Iterator[Columns]:
        """The bars of all ticks added, oldest first.

        Their columns are those of a store, ``minute`` (minutes since 1970) and ``line`` (the first
        line of each bar).
        """
        self._db.execute(f"create table bars as {_FOLD} from groups group by minute")
        self._db.execute("drop table groups")
        after = -(2**63)
        while True:
            batch = self._db.execute(
                f"select minute, line, round(volume, {_VOLUME_DECIMALS}) as volume, {_PRICES}"
                " from bars where minute > ?"
                " order by minute limit ?",
                [after, BARS_PER_BATCH],
            ).fetchnumpy()
            if not len(batch["minute"]):
                return
            after = int(batch["minute"][-1])
            yield batch
