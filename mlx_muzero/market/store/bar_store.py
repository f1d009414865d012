"""The bar store: a DuckDB file of minute bars, series, and the record of what was imported.

DuckDB lets only one process have a file open for writing, and then nobody else, so a store is
opened as briefly as possible, or by the one process that owns it. Bars are unique per (symbol,
open time), and are only ever written by `Staging.merge`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType

import duckdb
import numpy as np

from mlx_muzero.errors import DataError
from mlx_muzero.market.bars import BAR_COLUMNS, Bars, Fault, price_faults
from mlx_muzero.market.instrument import Instrument, UnknownInstrument, known_instrument
from mlx_muzero.market.series import Series, SeriesMerge, SeriesSummary
from mlx_muzero.market.store import known_symbols
from mlx_muzero.market.store.attached_file import AttachedFile
from mlx_muzero.market.store.bar_table import BarTable, SymbolSummary
from mlx_muzero.market.store.duckdb_files import (
    explained,
    refusal,
    require_no_macros,
    require_path,
    state_of,
    understood,
    vouch_for,
)
from mlx_muzero.market.store.fingerprint import Fingerprint, SeriesFrom, fingerprint
from mlx_muzero.market.store.import_table import ImportRecord, ImportTable
from mlx_muzero.market.store.instrument_table import InstrumentTable, made_to_trade
from mlx_muzero.market.store.location import DEFAULT_DATABASE, in_store
from mlx_muzero.market.store.migration import backup_shelf, migrate
from mlx_muzero.market.store.origin_table import OriginTable
from mlx_muzero.market.store.schema import (
    INSTRUMENTS_SINCE,
    MIGRATIONS,
    ORIGINS_SINCE,
    SERIES_SINCE,
    version_of,
)
from mlx_muzero.market.store.series_table import SeriesTable
from mlx_muzero.market.store.staging import MergeReport, Staging
from mlx_muzero.market.store.symbol_rows import RowCounts, SymbolRows
from mlx_muzero.runlog.closeable import Closeable
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.types import F64
from mlx_muzero.words import command

# These tables have few rows; scanning all bars would take a while.
_NAMES = "select symbol from imports union select symbol from truths"


class BarStore(Closeable):
    """Minute bars in a DuckDB file; a context manager that closes the file.

    Args:
        path: the file; created if missing, unless `read_only` or `existing`.
        read_only: open without write access, so that several readers can share the file.
        existing: open for writing, but only if the file exists.

    Raises:
        DataError: the file is missing, locked, damaged, not a bar store, or from a newer version.
    """

    def __init__(
        self, path: str | Path, read_only: bool = False, *, existing: bool = False
    ) -> None:
        self.path = Path(path)
        self._read_only = read_only
        self._spellings: dict[str, str] = {}
        if (read_only or existing) and not self.path.is_file():
            # Runs name their store as their command did, from the folder that it was typed in.
            here = "" if self.path.is_absolute() else f" in {Path.cwd()}"
            raise DataError(
                f"no bar store at {path}{here}: import bars first "
                f"({command('data', 'import', 'FILE', *in_store(path))}), or name another file "
                "with --db"
            )
        before = state_of(self.path)
        self._file = _open(self.path, read_only)
        self._db = self._file.db
        try:
            require_no_macros(self._db, self.path, before, DataError)
            self._version = version_of(self._db, self.path, read_only)
            if not read_only:
                self._version = _brought_up_to_date(self._db, self.path, self._version)
        except BaseException as error:
            self._file.close()
            if isinstance(error, duckdb.Error):
                raise refusal(self.path, error) from error
            raise

    def close(self) -> None:
        """Close the file so that another process can open it."""
        if not self._read_only:
            with suppress(duckdb.Error):  # already closed, or broken
                names = self._db.execute(_NAMES).fetchall()
                known_symbols.remember(self.path, (name for (name,) in names))
        self._file.close()
        if not self._read_only:
            vouch_for(self.path)

    @property
    def is_empty(self) -> bool:
        """Whether the store is empty; False if it cannot be read."""
        with suppress(duckdb.Error):  # broken
            return SymbolRows(self._db).are_none()
        return False

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file, and report damage encountered in the block."""
        with explained(self.path):
            self.close()
            if isinstance(error, duckdb.Error):
                raise error

    def symbols(self) -> list[SymbolSummary]:
        """Summaries of the stored symbols, ordered by symbol."""
        with understood(self.path):
            return BarTable(self._db, self.path).summaries()

    def spelling(self, symbol: str) -> str:
        """The store's spelling of `symbol`: as given if the store has that, or else another.

        Where bars and series of a symbol are spelled differently, as in stores of 0.1.0, the bars
        decide. A symbol that the store lacks is spelled as by `Symbol`.

        Raises:
            SymbolError: the store has no such name, and `symbol` is not a valid symbol.
        """
        if symbol in self._spellings:
            return self._spellings[symbol]
        rows = SymbolRows(self._db)
        found = rows.spelling_in("bars", symbol)
        if found is None and self._version >= SERIES_SINCE:
            found = rows.spelling_in("series", symbol)
        spelled = Symbol(symbol) if found is None else found
        if self._read_only:  # nobody can write to it meanwhile
            self._spellings[symbol] = spelled
        return spelled

    def load(
        self,
        symbol: str,
        start_ns: int | None = None,
        end_ns: int | None = None,
        extras: Sequence[str] = (),
    ) -> Bars:
        """Bars of `symbol` that open in [start_ns, end_ns); None leaves that end open.

        Args:
            symbol: the symbol, in any spelling.
            start_ns: earliest UTC open.
            end_ns: UTC time before which every bar opens.
            extras: further columns to load, out of `EXTRA_COLUMNS`; a column without any value is
                omitted from `Bars.extras`.

        Raises:
            DataError: there are no bars, or the store is damaged.
        """
        with understood(self.path):
            spelled = self.spelling(symbol)
            return BarTable(self._db, self.path).load(symbol, spelled, start_ns, end_ns, extras)

    def fingerprint(
        self, symbol: str, first_ns: int, end_ns: int, series_from_ns: SeriesFrom
    ) -> Fingerprint:
        """What changes with the bars of `symbol` in [first, end), or with points of series.

        Args:
            symbol: the symbol, in any spelling.
            first_ns: earliest UTC open.
            end_ns: UTC time before which every bar opens.
            series_from_ns: by symbol (it, or `MACRO`) and series, its earliest event that counts.
        """
        with understood(self.path):
            counted = {}
            if self._version >= SERIES_SINCE:
                counted = {(self.spelling(of), n): ns for (of, n), ns in series_from_ns.items()}
            return fingerprint(self._db, self.spelling(symbol), first_ns, end_ns, counted)

    def write(self, bars: Bars, extras: Mapping[str, F64] | None = None) -> MergeReport:
        """Add `bars` in one transaction; see `Staging.merge` for bars that are already stored.

        Args:
            bars: the bars to add.
            extras: columns out of `EXTRA_COLUMNS` by name, each ``f64[T]``, NaN where unknown.

        Raises:
            DataError: a bar's prices are impossible; nothing has been written.
        """
        with self.transaction():
            return self._add(bars, extras or {})

    def _add(self, bars: Bars, extras: Mapping[str, F64]) -> MergeReport:
        """`write`, inside the caller's `transaction`."""
        prices = {name: getattr(bars, name) for name in BAR_COLUMNS}
        faults = price_faults(bars.open, bars.high, bars.low, bars.close, bars.volume)
        if faults.any():
            row = int(np.flatnonzero(faults)[0])
            raise DataError(f"bar {row} of {bars.symbol} is impossible: {Fault(faults[row]).text}")
        with self.staging() as staging:
            lines = np.arange(len(bars))
            symbol = self.spelling(bars.symbol)
            staging.append(symbol, bars.open_time_ns, lines, prices | dict(extras))
            return staging.merge()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what the block does when it ends; roll it back if it raises.

        Raises:
            DataError: the file is damaged, or cannot be read or written.
            StorageError: the disk is full.
        """
        with explained(self.path):
            self._db.execute("begin")
            try:
                yield
            except BaseException:
                self._db.execute("rollback")
                raise
            self._db.execute("commit")

    @contextmanager
    def staging(self) -> Iterator[Staging]:
        """A staging table for new bars (inside the caller's `transaction`)."""
        staging = Staging(self._db)
        yield staging
        staging.drop()

    def load_series(self, symbol: str, name: str) -> Series:
        """One series of `symbol` (`market.series`); empty if the store has none."""
        if self._version < SERIES_SINCE:
            return Series.empty(symbol, name)
        with understood(self.path):
            return SeriesTable(self._db).load(self.spelling(symbol), name)

    def series(self) -> list[SeriesSummary]:
        """Summaries of the stored series, by symbol and name."""
        with understood(self.path):
            return SeriesTable(self._db).summaries() if self._version >= SERIES_SINCE else []

    def write_series(self, series: Series, replace: bool = False) -> SeriesMerge:
        """Add points (inside the caller's `transaction`); see `SeriesTable.write`."""
        return SeriesTable(self._db).write(series, replace)

    def take_back_series(self, series: Series) -> int:
        """Remove exactly these points (inside the caller's `transaction`); returns how many."""
        return SeriesTable(self._db).take_back(series)

    def instrument(self, symbol: str) -> Instrument:
        """How `symbol` trades: as set by the user, as generated, or as its name tells.

        Raises:
            UnknownInstrument: none of these is known.
        """
        return self.instruments([symbol])[0]

    def instruments(self, symbols: Sequence[str]) -> list[Instrument]:
        """`instrument` for several symbols; one error names all that are unknown."""
        known = {s: self._find_instrument(s) for s in map(self.spelling, symbols)}
        if unknown := [symbol for symbol, instrument in known.items() if instrument is None]:
            raise UnknownInstrument(unknown, self.path)
        return [instrument for instrument in known.values() if instrument is not None]

    def find_instrument(self, symbol: str) -> Instrument | None:
        """`instrument`, but None if unknown."""
        return self._find_instrument(self.spelling(symbol))

    def _find_instrument(self, spelled: str) -> Instrument | None:
        with understood(self.path):
            return self._told_of(spelled) or known_instrument(spelled)

    def _told_of(self, spelled: str) -> Instrument | None:
        """The instrument set by the user, or of a synthetic market; `spelled` as in the store."""
        stated = self._version >= INSTRUMENTS_SINCE and InstrumentTable(self._db).get(spelled)
        if stated:
            return stated
        return made_to_trade(spelled, self._truth_of(spelled) or {})

    def set_instrument(self, instrument: Instrument) -> None:
        """Set how an instrument trades, whether or not the store has its bars yet."""
        spelled = self.spelling(instrument.symbol)
        InstrumentTable(self._db).put(replace(instrument, symbol=spelled))

    def count(self, symbol: str) -> RowCounts:
        """Number of rows of `symbol`, by kind."""
        return SymbolRows(self._db).count(self.spelling(symbol))

    def count_bars(self, symbol: str) -> int:
        """Number of bars of `symbol`, also in a store of an earlier version.

        Raises:
            DataError: the store is damaged.
        """
        with understood(self.path):
            return SymbolRows(self._db).count_bars(self.spelling(symbol))

    def require(self, symbol: str) -> None:
        """Raise an error unless the store has bars or series of `symbol`.

        Raises:
            DataError: it has neither.
        """
        held = self.count(symbol)
        if not (held.bars or held.points):
            raise self._nothing_of(symbol)

    def _nothing_of(self, symbol: str) -> DataError:
        held = ", ".join(s.symbol for s in self.symbols()) or "nothing"
        return DataError(f"{self.path} has nothing of {symbol} (it holds {held})")

    def remove(
        self, symbol: str, start_ns: int | None = None, end_ns: int | None = None
    ) -> RowCounts:
        """Remove `symbol` and everything that belongs to it, or only its rows in [start, end)."""
        with self.transaction():
            return SymbolRows(self._db).remove(self.spelling(symbol), start_ns, end_ns)

    def rename(self, symbol: str, to: str) -> Symbol:
        """Rename `symbol`, and everything that belongs to it, to `to`; it trades as before.

        Raises:
            SymbolError: `to` is not a valid symbol.
            DataError: the store has nothing of `symbol`, or already has something of `to`.
        """
        old, new = self.spelling(symbol), Symbol(to)
        rows = SymbolRows(self._db)
        if rows.count(old) == RowCounts(0, 0, 0):
            raise self._nothing_of(symbol)
        # One spelling may have had the bars and another the series, so a series may exist already.
        for other in {self.spelling(new), str(new)} - {old}:
            if clash := rows.common(old, other):
                remove = command("data", "remove", other, *in_store(self.path))
                raise DataError(
                    f"{self.path} has {clash[0]} of {other} already: choose another name, or "
                    f"remove that first ({remove})"
                )
        traded = self.find_instrument(old)
        with self.transaction():
            rows.rename(old, new)
            if traded is not None and self.find_instrument(new) is None:
                InstrumentTable(self._db).put(replace(traded, symbol=new))
        return new

    def write_synthetic(self, bars: Bars, truth: Mapping[str, object]) -> None:
        """Store a synthetic market, its truth and its instrument, replacing one of the same name.

        Raises:
            DataError: the store has real bars under that name.
        """
        if self.count(bars.symbol).bars and self.truth(bars.symbol) is None:
            raise DataError(f"{self.path} holds real bars of {bars.symbol}; choose another symbol")
        with self.transaction():
            SymbolRows(self._db).remove(self.spelling(bars.symbol), None, None)
            self.set_truth(bars.symbol, truth)
            if (traded := made_to_trade(bars.symbol, truth)) is not None:
                InstrumentTable(self._db).put(traded)
            self._add(bars, {})

    def set_truth(self, symbol: str, truth: Mapping[str, object]) -> None:
        """Store how the synthetic `symbol` was generated (JSON values only)."""
        self._db.execute("insert or replace into truths values (?, ?)", [symbol, json.dumps(truth)])

    def truth(self, symbol: str) -> dict[str, object] | None:
        """How the synthetic `symbol` was generated; None for real data."""
        return self._truth_of(self.spelling(symbol))

    def _truth_of(self, spelled: str) -> dict[str, object] | None:
        row = self._db.execute("select json from truths where symbol = ?", [spelled]).fetchone()
        with understood(self.path):
            return dict(json.loads(row[0])) if row else None

    @property
    def origins(self) -> OriginTable:
        """The origins of downloaded symbols; write inside the caller's `transaction`."""
        return OriginTable(self._db, self._version >= ORIGINS_SINCE)

    def imports(self) -> list[ImportRecord]:
        """The record of every imported file, by symbol and first bar."""
        return ImportTable(self._db, self._version).records()

    def record_import(self, record: ImportRecord) -> None:
        """Record an import, or repeat of one (inside the caller's `transaction`)."""
        ImportTable(self._db, self._version).write(record)


@contextmanager
def store_at(database: Path | None) -> Iterator[BarStore | None]:
    """The store at `database` (None: the default), opened read-only; None if it does not exist."""
    path = database or DEFAULT_DATABASE
    if not path.is_file():
        yield None
        return
    with BarStore(path, read_only=True) as store:
        yield store


def _open(path: Path, read_only: bool) -> AttachedFile:
    try:
        if path.exists() and not path.is_file():
            raise DataError(f"{path} is not a file: name the file of a bar store, or a new one")
        if not read_only:
            require_path(path, DataError)
            path.parent.mkdir(parents=True, exist_ok=True)
        return AttachedFile(path, read_only, [backup_shelf(path)])
    except duckdb.Error as error:
        raise refusal(path, error) from error
    except OSError as error:
        raise DataError(f"{path}: cannot be created ({error.strerror})") from error


def _brought_up_to_date(db: duckdb.DuckDBPyConnection, path: Path, version: int) -> int:
    try:
        return migrate(db, path, version, MIGRATIONS)
    except duckdb.Error as error:
        raise DataError(
            f"{path} was written by an earlier mlx_muzero and cannot be brought up to date "
            f"({str(error).splitlines()[0]}): make room next to it, and try again"
        ) from error
