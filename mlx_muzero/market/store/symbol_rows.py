"""Counts, removes and renames all rows of a symbol, across the store's tables."""

from collections.abc import Iterator
from dataclasses import dataclass

from mlx_muzero.market.store.database import Database
from mlx_muzero.market.store.origin_table import OriginTable
from mlx_muzero.symbols.symbol import Symbol

# Columns with the start and end of the time that a row covers.
_TIMES = {
    "bars": ("open_time", "open_time"),
    "series": ("known_time", "known_time"),
    "imports": ("first_time", "last_time"),
}
_TIMELESS = ("truths", "instruments", "origins")


@dataclass(frozen=True)
class RowCounts:
    """Number of rows of each kind."""

    bars: int
    points: int
    imports: int


class SymbolRows:
    """Reads and writes the rows of symbols, named as the store spells them."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def are_none(self) -> bool:
        """Whether no symbol has any rows."""
        held = " or ".join(f"exists (from {table})" for table in (*_TIMES, *_TIMELESS))
        return not self._db.execute(f"select {held}").fetchone()[0]

    def spelling_in(self, table: str, symbol: str) -> str | None:
        """The spelling of `symbol` in `table`: as given if it is there, or else another; or None.

        Raises:
            SymbolError: it is not there as given, and not a valid symbol.
        """
        exactly = f"select 1 from {table} where symbol = ? limit 1"
        if self._db.execute(exactly, [symbol]).fetchall():
            return symbol
        wanted = Symbol(symbol)
        if wanted != symbol and self._db.execute(exactly, [wanted]).fetchall():
            return wanted
        held = self._db.execute(f"select distinct symbol from {table} order by symbol").fetchall()
        return next((name for (name,) in held if wanted.is_meant_by(name)), None)

    def count(self, symbol: str) -> RowCounts:
        """Number of rows of `symbol`."""
        return RowCounts(*(self._count(table, symbol) for table in _TIMES))

    def count_bars(self, symbol: str) -> int:
        """Number of bars of `symbol`."""
        return self._count("bars", symbol)

    def remove(self, symbol: str, start_ns: int | None, end_ns: int | None) -> RowCounts:
        """Delete the rows of `symbol` in [start_ns, end_ns); None leaves that end open.

        Without either bound everything of the symbol is deleted. Imports that overlap the range are
        forgotten, so that their files can be imported again, and downloads ask for it again.
        """
        before = self.count(symbol)
        for table, (first, last) in _TIMES.items():
            begins = f" and {first} < make_timestamp_ns({end_ns})" if end_ns is not None else ""
            ends = f" and {last} >= make_timestamp_ns({start_ns})" if start_ns is not None else ""
            self._db.execute(f"delete from {table} where symbol = ?{begins}{ends}", [symbol])
        OriginTable(self._db).forget_asked(symbol, start_ns, end_ns)
        if start_ns is None and end_ns is None:
            for table in _TIMELESS:
                self._db.execute(f"delete from {table} where symbol = ?", [symbol])
        after = self.count(symbol)
        gone = (was - is_ for was, is_ in zip(_values(before), _values(after), strict=True))
        return RowCounts(*gone)

    def common(self, symbol: str, other: str) -> list[str]:
        """What both symbols have: "bars", and the names of series."""
        found = self._db.execute(
            """select 'bars' where exists (select 1 from bars where symbol = $symbol)
                               and exists (select 1 from bars where symbol = $other)
               union all
               select distinct a.name from series a semi join series b
                   on a.name = b.name and b.symbol = $other where a.symbol = $symbol""",
            {"symbol": symbol, "other": other},
        ).fetchall()
        return [str(name) for (name,) in found]

    def rename(self, symbol: str, to: str) -> None:
        """Rename every row of `symbol` to `to`; the two must have nothing in `common`.

        Where only one value can stay, such as how the instrument trades, that of `symbol` does.
        """
        self._db.execute(
            """delete from imports where symbol = $to
               and sha256 in (select sha256 from imports where symbol = $symbol)""",
            {"symbol": symbol, "to": to},
        )
        for table in _TIMELESS:
            self._db.execute(
                f"""delete from {table} where symbol = $to
                    and exists (select 1 from {table} where symbol = $symbol)""",
                {"symbol": symbol, "to": to},
            )
        for table in (*_TIMES, *_TIMELESS, "asked"):
            self._db.execute(f"update {table} set symbol = ? where symbol = ?", [to, symbol])

    def _count(self, table: str, symbol: str) -> int:
        query = f"select count(*) from {table} where symbol = ?"
        return int(self._db.execute(query, [symbol]).fetchall()[0][0])


def _values(counts: RowCounts) -> Iterator[int]:
    yield from vars(counts).values()
