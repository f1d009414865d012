"""Writes bars to the store: stages them, drops repeats, compares with stored bars, inserts.

For a minute that is already stored, the first import wins. A new bar that agrees is a duplicate and
fills columns that were unknown; one that differs is a conflict and is only counted.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mlx_muzero.market.bars import PRICE_COLUMNS
from mlx_muzero.market.store.database import Database
from mlx_muzero.types import F64, I64, Bool

ASK_COLUMNS = ("open_ask", "high_ask", "low_ask", "close_ask")
EXTRA_COLUMNS = (
    *ASK_COLUMNS,
    "quote_volume",
    "trades",
    "taker_buy_volume",
    "taker_buy_quote_volume",
)
_OPTIONAL = ("volume", *EXTRA_COLUMNS)
_VALUES = (*PRICE_COLUMNS, *_OPTIONAL)

# Bars of a minute agree if prices are equal and no column known in both differs.
_DIFFERS = " or ".join(
    [f"a.{name} <> b.{name}" for name in PRICE_COLUMNS]
    + [f"coalesce(a.{name} <> b.{name}, false)" for name in _OPTIONAL]
)
_BLOCK_ROWS = 2**16
_SAME_MINUTE = "a.symbol = b.symbol and a.open_time = b.open_time"


@dataclass(frozen=True, eq=False)
class Seams:
    """Where staged bars of one symbol adjoin stored ones: pairs of neighbors, one of each kind.

    If stored bars are replaced, one more pair is a stored bar and its replacement, at the same
    time: the one whose closes are the median distance apart.

    Attributes:
        before_ns: ``i64[n]`` open of the earlier bar, or of the stored bar.
        before: ``f64[n]`` close of that bar.
        after_ns: ``i64[n]`` open of the later bar, or of the replacement.
        after: ``f64[n]`` open price of the later bar, or close of the replacement.
        after_is_new: ``bool[n]`` whether the later bar is the staged one of the pair.
    """

    before_ns: I64
    before: F64
    after_ns: I64
    after: F64
    after_is_new: Bool


@dataclass(frozen=True)
class Repeats:
    """Minutes that occur more than once in a source; the first row of each is kept.

    Attributes:
        identical: number of later rows that equal the first, by symbol.
        differing: (symbol, line, minute in ns) of every later row that differs; also dropped.
    """

    identical: dict[str, int]
    differing: list[tuple[str, int, int]]


@dataclass(frozen=True)
class MergeReport:
    """The result of merging staged rows.

    Attributes:
        inserted: rows whose minute was new.
        duplicates: rows that agree with the stored bar.
        conflicts: rows that differ from the stored bar, which is kept.
        replaced: rows that differed and replaced the stored bar.
        filled: duplicates that supplied a column that was unknown.
        unmatched: ask rows dropped for lack of a stored bid bar.
        conflict_times_ns: ``i64[<=5]`` the first conflicting minutes.
        inserted_of: `inserted` by symbol.
    """

    inserted: int
    duplicates: int
    conflicts: int
    replaced: int
    filled: int
    unmatched: int
    conflict_times_ns: I64
    inserted_of: dict[str, int]


class Staging:
    """A temporary table inside an open transaction; DuckDB may spill it, so memory is bounded."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._last_ns: dict[str, int] = {}
        self._increasing = True
        # DuckDB keeps what is registered until the transaction ends, so every row goes through
        # the same memory.
        self._incoming: dict[str, I64 | F64] = {
            name: np.empty(_BLOCK_ROWS, np.int64) for name in ("open_time_ns", "line")
        }
        self._incoming |= {name: np.empty(_BLOCK_ROWS) for name in _VALUES}
        db.register("incoming", self._incoming)
        values = ", ".join(f"{name} double" for name in _VALUES)
        db.execute(
            "create or replace temp table staged"
            f"(symbol varchar, open_time timestamp_ns, line bigint, {values})"
        )

    def append(
        self, symbol: str, open_time_ns: I64, lines: I64, columns: Mapping[str, F64]
    ) -> None:
        """Stage rows.

        Args:
            symbol: the symbol of the bars.
            open_time_ns: ``i64[T]`` UTC bar opens, in any order.
            lines: ``i64[T]`` line of each row in its source; unique within a symbol.
            columns: columns (open ... volume and `EXTRA_COLUMNS`) by name, each ``f64[T]``, NaN
                where unknown.
        """
        if not len(open_time_ns):
            return
        self._increasing &= bool((np.diff(open_time_ns) > 0).all())
        self._increasing &= self._last_ns.get(symbol, -(2**63)) < open_time_ns[0]
        self._last_ns[symbol] = max(self._last_ns.get(symbol, -(2**63)), int(open_time_ns[-1]))
        # Unknown is NaN in a NumPy column but null in the store.
        values = ", ".join(
            f"nullif({name}, 'nan'::double)" if name in columns else "null" for name in _VALUES
        )
        for first in range(0, len(open_time_ns), _BLOCK_ROWS):
            block = slice(first, first + _BLOCK_ROWS)
            rows = len(open_time_ns[block])
            self._incoming["open_time_ns"][:rows] = open_time_ns[block]
            self._incoming["line"][:rows] = lines[block]
            for name, column in columns.items():
                self._incoming[name][:rows] = column[block]
            self._db.execute(
                f"insert into staged select ?, make_timestamp_ns(open_time_ns), line, {values}"
                " from incoming limit ?",
                [symbol, rows],
            )

    def drop(self) -> None:
        """Drop the table, with what is left in it."""
        self._db.execute("drop table staged")
        self._db.unregister("incoming")

    def drop_repeats(self) -> Repeats:
        """Keep only the first row of every minute that was staged more than once."""
        if self._increasing:
            return Repeats({}, [])
        self._db.execute(
            f"""create or replace temp table repeats as
                with firsts as (
                    select symbol, open_time, min(line) as line from staged
                    group by symbol, open_time having count(*) > 1)
                select b.symbol, b.line, epoch_ns(b.open_time) as open_ns, {_DIFFERS} as differs
                from staged a join firsts f
                    on a.symbol = f.symbol and a.open_time = f.open_time and a.line = f.line
                join staged b on {_SAME_MINUTE} and b.line > a.line"""
        )
        self._db.execute(
            "delete from staged using repeats r where staged.symbol = r.symbol"
            " and staged.line = r.line"
        )
        identical = self._db.execute(
            "select symbol, count(*) from repeats where not differs group by symbol"
        ).fetchall()
        differing = self._db.execute(
            "select symbol, line, open_ns from repeats where differs order by line"
        ).fetchall()
        self._db.execute("drop table repeats")
        self._increasing = True
        return Repeats(dict(identical), differing)

    def seams(self, symbol: str, replace: bool = False) -> Seams:
        """Where the staged rows of `symbol` adjoin stored bars; no minute may be staged twice.

        Args:
            symbol: the symbol, as staged.
            replace: staged rows replace stored bars, so that every staged row is new.
        """
        stored_but = "anti join fresh using (open_time)" if replace else ""
        fresh_but = "" if replace else "anti join stored using (open_time)"
        found = self._db.execute(
            f"""with fresh as (select open_time, open, close from staged where symbol = $symbol),
                span as (select min(open_time) as first, max(open_time) as last from fresh),
                reach as (
                    select coalesce((select max(open_time) from bars
                                     where symbol = $symbol and open_time < first), first) as first,
                           coalesce((select min(open_time) from bars
                                     where symbol = $symbol and open_time > last), last) as last
                    from span),
                stored as (
                    select open_time, open, close from bars, reach
                    where symbol = $symbol and open_time between first and last),
                line as (
                    select *, false as new from stored {stored_but}
                    union all select *, true as new from fresh {fresh_but}),
                steps as (
                    select lag(open_time) over times as before_time,
                           lag(close) over times as before, lag(new) over times as was_new,
                           open_time, open as after, new
                    from line window times as (order by open_time)),
                replaced as (
                    select open_time, s.close as before, f.close as after,
                           row_number() over (
                               order by abs(ln(f.close / s.close)), open_time) as rank,
                           count(*) over () as whole
                    from stored s join fresh f using (open_time)
                    where $replace and f.close <> s.close),
                meeting as (
                    select before_time, before, open_time, after, new from steps
                    where new <> was_new
                    union all select open_time, before, open_time, after, true from replaced
                    where rank = whole // 2 + 1)
                select epoch_ns(before_time) as before_ns, before, epoch_ns(open_time) as after_ns,
                       after, new as after_is_new
                from meeting order by open_time, before_time""",
            {"symbol": symbol, "replace": replace},
        ).fetchnumpy()
        return Seams(
            before_ns=np.asarray(found["before_ns"], np.int64),
            before=np.asarray(found["before"], np.float64),
            after_ns=np.asarray(found["after_ns"], np.int64),
            after=np.asarray(found["after"], np.float64),
            after_is_new=np.asarray(found["after_is_new"], np.bool_),
        )

    def merge(self, ask_only: bool = False, replace: bool = False) -> MergeReport:
        """Move the staged rows into the store; no minute may be staged twice.

        Args:
            ask_only: the rows hold only ask prices, to add to stored bid bars.
            replace: a stored bar that differs takes the row's values; columns that the row lacks
                are kept.
        """
        differs = (
            _DIFFERS
            if not ask_only
            else " or ".join(f"coalesce(a.{name} <> b.{name}, false)" for name in ASK_COLUMNS)
        )
        fills = " or ".join(f"(a.{name} is null and b.{name} is not null)" for name in _OPTIONAL)
        self._db.execute(
            f"""create or replace temp table overlap as
                select b.symbol, b.open_time, {differs} as differs, {fills} as fills
                from bars a join staged b on {_SAME_MINUTE}
                where a.symbol in (select distinct symbol from staged)
                  and a.open_time between (select min(open_time) from staged)
                                      and (select max(open_time) from staged)"""
        )
        staged, overlap, conflicts, filled = self._db.execute(
            """select (select count(*) from staged), count(*), count(*) filter (differs),
                      count(*) filter (fills and not differs) from overlap"""
        ).fetchone()
        if filled:
            sets = ", ".join(f"{name} = coalesce(a.{name}, b.{name})" for name in _OPTIONAL)
            self._db.execute(
                f"""update bars as a set {sets} from staged b semi join overlap o
                    on b.symbol = o.symbol and b.open_time = o.open_time
                       and o.fills and not o.differs
                    where {_SAME_MINUTE}"""
            )
        if replace:
            sets = ", ".join(f"{name} = coalesce(b.{name}, a.{name})" for name in _VALUES)
            self._db.execute(
                f"""update bars as a set {sets} from staged b semi join overlap o
                    on b.symbol = o.symbol and b.open_time = o.open_time and o.differs
                    where {_SAME_MINUTE}"""
            )
        times = self._db.execute(
            "select epoch_ns(open_time) as t from overlap where differs order by 1 limit 5"
        ).fetchnumpy()["t"]
        if not ask_only:
            names = ", ".join(("symbol", "open_time", *_VALUES))
            self._db.execute(
                f"""insert into bars({names}) select {names} from staged b
                    anti join overlap a on {_SAME_MINUTE} order by symbol, open_time"""
            )
        fresh_of = self._db.execute(
            """select symbol, count(*) - coalesce(any_value(o.bars), 0) from staged
               left join (select symbol, count(*) as bars from overlap group by symbol) o
                   using (symbol)
               group by symbol"""
        ).fetchall()
        self._db.execute("drop table overlap")
        fresh = staged - overlap
        return MergeReport(
            inserted=0 if ask_only else fresh,
            duplicates=overlap - conflicts,
            conflicts=0 if replace else conflicts,
            replaced=conflicts if replace else 0,
            filled=filled,
            unmatched=fresh if ask_only else 0,
            conflict_times_ns=np.asarray(times, np.int64),
            inserted_of={} if ask_only else dict(fresh_of),
        )
