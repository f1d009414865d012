"""A paper session's store: one DuckDB file, one row per transaction, and the latest state.

A transaction's rows are kept as JSON, column by column; the tables are views of it. A commit thus
takes three statements, and the state can never disagree with the rows that led to it. Each
transaction's journal events are kept too, so that a journal can be completed from its store.
"""

import json
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from mlx_muzero.errors import RunError
from mlx_muzero.files.regular import partial_of
from mlx_muzero.market.store.attached_file import NAME, AttachedFile
from mlx_muzero.market.store.duckdb_files import (
    OWN_TABLES,
    quoted,
    require_no_macros,
    require_path,
    state_of,
    vouch_for,
)
from mlx_muzero.market.store.migration import backup_shelf, migrate
from mlx_muzero.market.store.table_files import TableFormat
from mlx_muzero.paper.feeds.events import LiveBar
from mlx_muzero.paper.records.store_errors import RESTORE, translating_errors
from mlx_muzero.paper.records.tables import TABLES, rows_of, time_of
from mlx_muzero.paper.records.transaction import Row, Transaction
from mlx_muzero.runlog.closeable import Closeable
from mlx_muzero.untrusted.json_values import parsed, strict_json

APPLICATION = "mlx_muzero paper"
SCHEMA_VERSION = 3
_MEMORY_LIMIT = "256MB"  # beside the search
_CHECKPOINT_THRESHOLD = "2MB"  # of log, which is held in memory too: two hours of 16 pairs
_PIECE = 512  # transactions to unpack at once: 16 pairs write 7 kB a minute
_WITHIN = " where seq between ? and ?"
_ROW_GROUP = 2048  # the smallest DuckDB allows: a day and a half of minutes
_COMPACT = (",", ":")


def _view(name: str) -> str:
    """Creates the view of a table: for the store's owner, as anybody may have changed it."""
    return f"create view {name} as {rows_of(name, TABLES[name])};"


_EVENTS = "create table events(first bigint not null, last bigint not null, json varchar not null);"
_SCHEMA = f"""{_EVENTS}
create table meta(key varchar primary key, value varchar not null);
create table transactions(seq bigint not null, close_ns bigint not null, rows varchar not null);
create table state(seq bigint not null, json varchar not null);
insert into meta values ('application', '{APPLICATION}'), ('schema_version', '{SCHEMA_VERSION}');
""" + "".join(map(_view, TABLES))

# SQL that migrates a store of each version to the next. Version 1 stored no pair with commands
# and kept only the last transaction's events, in the state; version 2 knew only bars.
_MIGRATIONS = {
    1: f"""{_EVENTS}
insert into events
select (json->>'$.events[0].seq')::bigint, (json->>'$.event')::bigint, json->>'$.events'
from state where json_array_length(json, '$.events') > 0;
drop view commands; {_view("commands")}""",
    2: "".join(f"drop view if exists {name}; {_view(name)}" for name in ("points", "quotes")),
}


class PaperStore(Closeable):
    """A session's store; a context manager that closes it.

    Args:
        path: the file; created if missing, unless `read_only`.
        read_only: open for reading only.
        exports: folders that `export` and `pin` may write to; no other file can be accessed.

    Raises:
        RunError: here and in all methods, if the file cannot be used; the message says what to do.
        StorageError: likewise, if the disk is full or must not be written to.
    """

    def __init__(self, path: Path, read_only: bool = False, exports: Collection[Path] = ()) -> None:
        self._path, self._read_only = path, read_only
        if read_only and not path.is_file():
            raise RunError(
                f"{path.parent} holds no paper session that has started (no {path.name})."
            )
        if not read_only:
            require_path(path, RunError)
        before = state_of(path)
        folders = [*exports, backup_shelf(path)]
        with translating_errors(self._path):
            # One thread, as it runs next to the search; and small row groups, because a checkpoint
            # rewrites those that grew.
            settings: dict[str, str | int] = {
                "memory_limit": _MEMORY_LIMIT,
                "checkpoint_threshold": _CHECKPOINT_THRESHOLD,
                "threads": 1,
            }
            self._file = AttachedFile(path, read_only, folders, settings, _ROW_GROUP)
        self._db = self._file.db
        try:
            with translating_errors(self._path):
                require_no_macros(self._db, path, before, RunError)
            self._check_schema(read_only)
            self._commits = self._file.cursor()
            # A commit leaves nothing to optimize, and trying took a fifth of its time.
            self._commits.execute("pragma disable_optimizer")
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._commits.close()
        self._file.close()
        if not self._read_only:
            vouch_for(self._path)

    def commit(
        self, seq: int, transaction: Transaction, state: Row, events: Sequence[Row] = ()
    ) -> None:
        """Make a transaction and the state after it durable, both or neither.

        Args:
            seq: number of the transaction.
            transaction: its rows are stored.
            state: state after it.
            events: its journal events, numbered by ``seq``.
        """
        columns = {
            table: {name: [row[name] for row in rows] for name in TABLES[table]}
            for table, rows in transaction.rows.items()
        }
        rows = strict_json(columns, _COMPACT)
        after = json.dumps(state, separators=_COMPACT)
        told = strict_json(list(events), _COMPACT)
        with translating_errors(self._path):
            self._commits.execute("begin")
            try:
                self._commits.execute(
                    "insert into transactions values (?, ?, ?)", [seq, transaction.close_ns, rows]
                )
                if events:
                    numbers = [events[0]["seq"], events[-1]["seq"]]
                    self._commits.execute("insert into events values (?, ?, ?)", [*numbers, told])
                self._commits.execute("update state set seq = ?, json = ?", [seq, after])
                self._commits.execute("commit")
            except duckdb.Error:
                self._roll_back()
                raise
            self._file.free_after_checkpoint()

    def begin(self, state: Row) -> None:
        """Store the initial state of a new session."""
        with translating_errors(self._path):
            self._db.execute("insert into state values (0, ?)", [json.dumps(state)])

    def state(self) -> tuple[int, Row] | None:
        """Number of the last transaction and the state after it; None before `begin`."""
        with translating_errors(self._path):
            row = self._db.execute("select seq, json from state").fetchone()
            if row is None:
                return None
            state = parsed(row[1])
        if not isinstance(state, dict):
            raise RunError(f"{self._path}: it is damaged (its state is invalid). {RESTORE}")
        return int(row[0]), state

    @contextmanager
    def checking_contents(self) -> Iterator[None]:
        """Guard code that assumes rows and states are a session's: they may be anything.

        Raises:
            RunError: they are not a session's; the message names the store and what to do.
        """
        try:
            yield
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise RunError(
                f"{self._path}: its contents are not those of a session ({error!r}). Restore a "
                "backup with mlx-muzero paper restore FILE NEW_RUN, or choose another --run."
            ) from error

    def events(self, first: int) -> Iterator[Row]:
        """Yield journal events from number `first` on, in order; a store of version 1 has none."""
        with translating_errors(self._path):
            if ("events",) not in self._db.execute(OWN_TABLES).fetchall():
                return
            for piece in self._pieces("events", "last"):
                found = self._db.execute(
                    "select json from events where last between ? and ? order by last", piece
                )
                for (text,) in found.fetchall() if piece[1] >= first else ():
                    yield from (event for event in json.loads(text) if event["seq"] >= first)

    def table(self, name: str, having: str = "") -> list[Row]:
        """All rows of one of `TABLES`, in commit order; of all, those that have column `having`.

        A session has millions of some of them, which `columns` and `steps` read without that.
        """
        query = f"select * from ({{}}){f' where {having} is not null' if having else ''}"
        found: list[Row] = []
        with translating_errors(self._path):
            for rows in self._in_pieces(query, name, TABLES[name]):
                columns = [column[0] for column in rows.description or ()]
                found += (dict(zip(columns, row, strict=True)) for row in rows.fetchall())
        return found

    def columns(self, name: str, *wanted: str) -> dict[str, npt.NDArray[Any]]:
        """The columns `wanted` of one of `TABLES`, in commit order, each of its N rows.

        Numbers are ``f64[N]``, NaN where there is none, or ``i64[N]``; texts are objects.

        Raises:
            RunError: also where a whole number or a text is missing.
        """
        kinds = {column: TABLES[name][column] for column in wanted}
        pieces: dict[str, list[npt.NDArray[Any]]] = {column: [] for column in wanted}
        with translating_errors(self._path), self.checking_contents():
            for rows in self._in_pieces("{}", name, kinds):
                found = rows.fetchnumpy()
                for column, kind in kinds.items():
                    pieces[column].append(_column(column, kind, found[column]))
        return {column: np.concatenate(pieces.pop(column)) for column in kinds}

    def steps(self, *names: str) -> Iterator[dict[str, list[Row]]]:
        """Yield, in commit order, what each transaction has in the tables `names`, if it has any.

        Only a few transactions are in memory at a time.
        """
        with translating_errors(self._path):
            for piece in self._pieces("transactions", "seq"):
                steps: dict[int, dict[str, list[Row]]] = {}
                for name in names:
                    query = rows_of(name, TABLES[name], _WITHIN, numbered=True)
                    for seq, *values in self._db.execute(query, piece).fetchall():
                        step = steps.setdefault(seq, {table: [] for table in names})
                        step[name].append(dict(zip(TABLES[name], values, strict=True)))
                yield from (steps[seq] for seq in sorted(steps))

    def recent_bars(self, needed: Mapping[str, int]) -> dict[str, list[LiveBar]]:
        """At least the last `needed` bars of each pair (or all there are), oldest first.

        Of a pair that the venue dropped they may be months back: of what was committed since, only
        a few transactions are in memory at a time.
        """
        found: dict[str, list[LiveBar]] = {pair: [] for pair in needed}
        query = f"from ({rows_of('bars', TABLES['bars'], _WITHIN)}) where list_contains(?, pair)"
        with translating_errors(self._path), self.checking_contents():
            for piece in reversed(self._pieces("transactions", "seq")):
                short = [pair for pair, bars in found.items() if len(bars) < needed[pair]]
                if not short:
                    break
                older: dict[str, list[LiveBar]] = {pair: [] for pair in short}
                for row in self._db.execute(query, [*piece, short]).fetchall():
                    bar = _bar_of(dict(zip(TABLES["bars"], row, strict=True)))
                    older[bar.pair].append(bar)
                found |= {pair: bars + found[pair] for pair, bars in older.items()}
        return found

    def pin(self) -> "PinnedStore":
        """Pin the current state of the store, to be copied while it keeps changing."""
        return PinnedStore(self._path, self._file)

    def export(self, folder: Path, kind: TableFormat) -> list[Path]:
        """Write all tables but bars and quotes to `folder`, one of `exports`; return the files.

        Behind their own columns stand the times of those in nanoseconds, ISO 8601 in CSV: a
        `fill_time` for `fill_ns`.
        """
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for name in TABLES:
            if name not in ("bars", "quotes"):
                target = folder / f"{name}.{kind}"
                options = "format csv, header" if kind == "csv" else "format parquet"
                with translating_errors(self._path):
                    times = "".join(time_of(column, kind) for column in TABLES[name])
                    self._copy(name, f"select *{times} from aside.rows", target, options)
                written.append(target)
        return written

    def _copy(self, name: str, query: str, target: Path, options: str) -> None:
        """Write a query of ``aside.rows`` to a file: of a database next to it, with a table's rows.

        A file is written at once, and its rows would have to be made at once for it.
        """
        aside = partial_of(target)
        aside.unlink(missing_ok=True)
        columns = ", ".join(f'"{column}" {kind}' for column, kind in TABLES[name].items())
        self._db.execute(f"attach '{quoted(aside)}' as aside (row_group_size {_ROW_GROUP})")
        try:
            self._db.execute(f"create table aside.rows ({columns})")
            for _ in self._in_pieces("insert into aside.rows {}", name, TABLES[name]):
                pass
            self._db.execute(f"copy ({query}) to '{quoted(target)}' ({options})")
        finally:
            self._db.execute("detach aside")
            aside.unlink(missing_ok=True)

    def _in_pieces(
        self, query: str, name: str, columns: Mapping[str, str]
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """The answers to a query of the rows of a table, in commit order, a piece at a time.

        At once, the transactions of a month of 16 pairs would take gigabytes.
        """
        rows = rows_of(name, columns, _WITHIN)
        for piece in self._pieces("transactions", "seq"):
            yield self._db.execute(query.format(rows), piece)

    def _pieces(self, table: str, key: str) -> list[tuple[int, int]]:
        """First and last `key` of every few rows of `table`, in order; one piece if it is empty."""
        found = self._db.execute(f"select {key} from {table}").fetchnumpy()[key]
        with self.checking_contents():
            keys = np.sort(found)
            firsts = [*map(int, np.unique(keys[::_PIECE]))] or [0]
            last = int(keys[-1]) if len(keys) else -1
            ends = [*(first - 1 for first in firsts[1:]), last]
            return list(zip(firsts, ends, strict=True))

    def _check_schema(self, read_only: bool) -> None:
        with translating_errors(self._path):
            tables = {row[0] for row in self._db.execute(OWN_TABLES).fetchall()}
            if not tables:
                self._db.execute(f"begin; {_SCHEMA} commit;")
                return
            known = "meta" in tables
            rows = self._db.execute("select key, value from meta").fetchall() if known else []
        meta = dict(rows)
        if meta.get("application") != APPLICATION:
            raise RunError(f"{self._path} is not a paper-session store; restore the right one.")
        with translating_errors(self._path):
            version = int(meta.get("schema_version", ""))
        if version > SCHEMA_VERSION:
            raise RunError(f"{self._path} was written by a newer mlx_muzero: update this one.")
        missing = {"transactions", "state", *(["events"] if version > 1 else [])} - tables
        if missing:
            held = ", ".join(sorted(missing))
            raise RunError(f"{self._path}: it is damaged (it has no table {held}). {RESTORE}")
        if not read_only:
            with translating_errors(self._path):
                migrate(self._db, self._path, version, _MIGRATIONS)

    def _roll_back(self) -> None:
        try:
            self._commits.execute("rollback")
        except duckdb.Error:
            return  # the failed statement ended the transaction already


class PinnedStore(Closeable):
    """A store as of one moment, whatever is committed meanwhile; a context manager.

    Create it in the thread that commits; another thread may then use it.
    """

    def __init__(self, path: Path, file: AttachedFile) -> None:
        """Use `PaperStore.pin`."""
        self._path, self._file, self._db = path, file, file.cursor()
        with translating_errors(path):
            # A transaction sees what was committed before its first query.
            self._db.execute("begin; select seq from state").fetchone()

    def close(self) -> None:
        """Release the moment."""
        self._db.close()

    def copy(self, target: Path) -> None:
        """Write the whole store to a new file, in a folder the store may write to."""
        with translating_errors(self._path), self._file.undisturbed():
            self._db.execute(f"attach '{quoted(target)}' as copied (row_group_size {_ROW_GROUP})")
            self._db.execute(f"copy from database {NAME} to copied; commit; detach copied")


def _column(name: str, kind: str, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """What `PaperStore.columns` returns of a column as DuckDB did."""
    if kind == "double":
        return np.asarray(np.ma.filled(values.astype(np.float64), np.nan))
    if np.ma.is_masked(values):
        raise ValueError(f"a row without {name}")
    plain = np.ma.getdata(values)
    if kind != "varchar":
        return plain.astype(np.int64)
    known: dict[str, str] = {}  # few, of millions: one object for all that are equal
    return np.array([known.setdefault(each, each) for each in plain.tolist()], np.object_)


def _bar_of(row: Row) -> LiveBar:
    missing = {name for name, value in row.items() if value is None}
    if lacks := missing - {"volume", "source_time_ns"}:
        raise ValueError(f"a bar without {min(lacks)}")
    return LiveBar(**row | {"volume": math.nan if "volume" in missing else row["volume"]})
