"""Reads the store's table of bars: summaries of its symbols, and the bars of one symbol."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mlx_muzero.errors import DataError
from mlx_muzero.market.bars import BAR_COLUMNS, Bars, utc_text
from mlx_muzero.market.store.database import Database
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import F64

_BLOCK_NS = 2**19 * MINUTE_NS
"""Time whose bars are read at once: a year."""


@dataclass(frozen=True)
class SymbolSummary:
    """Summary of one symbol in the store; times are UTC bar opens."""

    symbol: str
    bars: int
    first_ns: int
    last_ns: int
    has_volume: bool
    has_ask: bool
    has_taker: bool
    synthetic: bool


class BarTable:
    """Reads the table of the store at `path`.

    Malformed rows raise DuckDB's or Python's errors: see `understood`.
    """

    def __init__(self, db: Database, path: Path) -> None:
        self._db, self._path = db, path

    def summaries(self) -> list[SymbolSummary]:
        """Summaries of the stored symbols, ordered by symbol."""
        rows = self._db.execute(
            """select symbol, count(*), epoch_ns(min(open_time)), epoch_ns(max(open_time)),
                      count(volume) > 0, count(close_ask) > 0, count(taker_buy_volume) > 0,
                      symbol in (select symbol from truths)
               from bars group by symbol order by symbol"""
        ).fetchall()
        return [
            SymbolSummary(symbol, int(bars), int(first_ns), int(last_ns), *has)
            for symbol, bars, first_ns, last_ns, *has in rows
        ]

    def load(
        self,
        symbol: str,
        spelled: str,
        start_ns: int | None,
        end_ns: int | None,
        extras: Sequence[str],
    ) -> Bars:
        """Load the bars of `symbol`, spelled `spelled` in the table; see `BarStore.load`.

        Raises:
            DataError: there are none.
        """
        where = "symbol = ?" + "".join(
            f" and open_time {operator} make_timestamp_ns({int(bound)})"
            for operator, bound in ((">=", start_ns), ("<", end_ns))
            if bound is not None
        )
        rows, first_ns, last_ns = self._db.execute(
            f"""select count(*), epoch_ns(min(open_time)), epoch_ns(max(open_time)) from bars
                where {where}""",
            [spelled],
        ).fetchone()
        if not rows:
            raise DataError(f"{self._path} has no bars of {symbol} {self._alternatives(symbol)}")
        names = (*BAR_COLUMNS, *extras)
        times, columns = np.empty(rows, np.int64), {name: np.empty(rows) for name in names}
        filled = 0
        for block in self._blocks(spelled, names, first_ns, last_ns):
            part = slice(filled, filled + len(block["open_time_ns"]))
            times[part] = block["open_time_ns"]
            for name, column in columns.items():
                column[part] = block[name]
            filled = part.stop
        found = {name: columns.pop(name) for name in extras}
        known = {name: values for name, values in found.items() if not np.isnan(values).all()}
        return Bars(symbol, times, **columns, extras=known)

    def _blocks(
        self, spelled: str, names: tuple[str, ...], first_ns: int, last_ns: int
    ) -> Iterator[Mapping[str, F64]]:
        """The bars in [first, last], by blocks of time, so that DuckDB sorts few at once."""
        wanted = ", ".join(f"coalesce({name}, 'nan'::double) as {name}" for name in names)
        for start_ns in range(first_ns, last_ns + 1, _BLOCK_NS):
            end_ns = min(start_ns + _BLOCK_NS - 1, last_ns)
            yield self._db.execute(
                f"""select epoch_ns(open_time) as open_time_ns, {wanted} from bars
                    where symbol = ? and open_time between make_timestamp_ns({start_ns})
                                                       and make_timestamp_ns({end_ns})
                    order by open_time""",
                [spelled],
            ).fetchnumpy()

    def _alternatives(self, symbol: str) -> str:
        """What the table holds instead of the requested bars of `symbol`, for a message."""
        held = {summary.symbol: summary for summary in self.summaries()}
        if (of := held.get(symbol)) is not None:
            return f"in that period: it holds {utc_text(of.first_ns)} to {utc_text(of.last_ns)} UTC"
        return f"(it holds {', '.join(held) or 'nothing'})"
