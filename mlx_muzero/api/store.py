"""The bar store, for a notebook: a path, opened for each call and closed again."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mlx_muzero.api.notes import note_all
from mlx_muzero.frames import FrameLibrary, frame_of
from mlx_muzero.market.bars import BAR_COLUMNS, Bars, utc_ns
from mlx_muzero.market.importers import Choices, Failure, ImportBatch, ImportReport, import_file
from mlx_muzero.market.store.bar_store import BarStore, SymbolSummary
from mlx_muzero.market.store.location import DEFAULT_DATABASE
from mlx_muzero.market.synthetic.markets import make_market
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.types import I64


@dataclass(frozen=True)
class SymbolList:
    """The symbols of a store.

    Attributes:
        symbols: one summary each.
    """

    symbols: tuple[SymbolSummary, ...]

    def to_frame(self, library: FrameLibrary | None = None) -> Any:
        """A row for each symbol: its name, bars, first and last open (UTC), and what it has.

        Args:
            library: "pandas" or "polars"; None for whichever is installed, pandas first.

        Raises:
            MuZeroError: neither is.
        """
        rows = [asdict(summary) for summary in self.symbols]
        columns: dict[str, Any] = {
            name: [row[name] for row in rows] for name in SymbolSummary.__dataclass_fields__
        }
        for end in ("first", "last"):
            opens: I64 = np.array(columns.pop(f"{end}_ns"), np.int64)
            columns[f"{end}_utc"] = opens.astype("datetime64[ns]")
        return frame_of(columns, library)


@dataclass(frozen=True)
class StoredBars:
    """Minute bars of one symbol.

    Attributes:
        bars: the arrays.
    """

    bars: Bars

    def to_frame(self, library: FrameLibrary | None = None) -> Any:
        """A row for each bar: its open in UTC, prices and volume.

        Args:
            library: "pandas" or "polars"; None for whichever is installed, pandas first.

        Raises:
            MuZeroError: neither is.
        """
        columns: dict[str, Any] = {name: getattr(self.bars, name) for name in BAR_COLUMNS}
        opens = self.bars.open_time_ns.astype("datetime64[ns]")
        return frame_of({"open_utc": opens, **columns}, library)


@dataclass(frozen=True)
class Store:
    """A bar store, one DuckDB file; nothing is held open between two calls.

    Attributes:
        path: of the file; the first import makes it.
    """

    path: Path

    def import_files(
        self,
        *files: str | Path,
        symbol: str | None = None,
        format_name: str | None = None,
        clock: str | None = None,
        replace: bool = False,
        skip_bad_rows: bool = False,
        stamps: Literal["open", "close"] | None = None,
        accept_clock: bool = False,
        accept_jump: bool = False,
    ) -> list[ImportReport]:
        """Import bars or series; a file that is already there changes nothing.

        Args:
            files: csv, zip, gz, parquet or DuckDB files, or folders of them.
            symbol: whose bars they are; told from each file if left out.
            format_name: detected if left out.
            clock: the files' clock: "UTC", "UTC+2", an IANA zone, "histdata"; detected, or the
                format's own, if left out.
            replace: stored bars give way where a file differs.
            skip_bad_rows: a file's good rows are taken, however many are bad.
            stamps: where bars are stamped; at their open, if nothing denies it.
            accept_clock: the times are read as told, whatever their weeks show.
            accept_jump: prices are taken that do not go on from the stored ones.

        Returns:
            A report for each file, in the order they were imported in.

        Raises:
            MuZeroError: of the first file that was not imported, once all others are in.
        """
        choices = Choices(replace, skip_bad_rows, stamps, accept_clock, accept_jump)
        batch = ImportBatch.of([Path(file) for file in files], self.path)
        is_new = not self.path.exists()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with BarStore(self.path) as store:
            results = list(
                batch.imported(
                    lambda file: import_file(
                        store, file, symbol, format_name, clock, choices=choices
                    )
                )
            )
        reports = [result for result in results if not isinstance(result, Failure)]
        if is_new and not reports:
            self.path.unlink()  # an empty store would pass for one that holds something
        for failure in (result for result in results if isinstance(result, Failure)):
            raise failure.error
        for report in reports:
            note_all(f"{report.file}: {text}" for text in report.notes)
        return reports

    def add_synthetic(
        self,
        kind: Literal["random_walk", "planted_edge"],
        *,
        symbol: str | None = None,
        days: int = 250,
        seed: int = 1,
        cost_pips: float = 4.0,
        session_bars: int = 360,
    ) -> dict[str, Any]:
        """Make a market whose best policy is known, in place of one of that name.

        Args:
            kind: "planted_edge" can be traded at a profit, "random_walk" cannot.
            symbol: name in the store; the kind's if left out.
            days: trading days of 1,440 bars.
            seed: of every draw.
            cost_pips: round-trip cost that the best policy is computed for.
            session_bars: steps of one session that it is computed for.

        Returns:
            What is known of the market: `expected_pips_per_session`, and how it was made.

        Raises:
            DataError: the name holds real bars.
        """
        name = None if symbol is None else Symbol(symbol)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with BarStore(self.path) as store:
            bars, truth = make_market(
                kind, seed, days, round_trip_cost_pips=cost_pips, session_bars=session_bars
            )
            store.write_synthetic(_renamed(bars, name or Symbol(bars.symbol)), truth)
        return dict(truth)

    def symbols(self) -> SymbolList:
        """What the store holds, by symbol.

        Raises:
            DataError: there is no store at the path.
        """
        with BarStore(self.path, read_only=True) as store:
            return SymbolList(tuple(store.symbols()))

    def bars(
        self, symbol: str, first_utc: str | None = None, end_utc: str | None = None
    ) -> StoredBars:
        """Bars of `symbol` that open from `first_utc` on and before `end_utc`; all if left out.

        Raises:
            DataError: there are none, or no store.
            ValueError: a time is no time.
        """
        first, end = (None if text is None else utc_ns(text) for text in (first_utc, end_utc))
        with BarStore(self.path, read_only=True) as store:
            return StoredBars(store.load(store.spelling(symbol), first, end))


def open_store(path: str | Path = DEFAULT_DATABASE) -> Store:
    """The bar store at `path`, which need not be there yet."""
    return Store(Path(path))


def store_path(store: "Store | str | Path | None") -> Path | None:
    """The path of a store given as one, or as a path; None for the usual one."""
    return store.path if isinstance(store, Store) else None if store is None else Path(store)


def _renamed(bars: Bars, symbol: Symbol) -> Bars:
    return replace(bars, symbol=symbol)


def symbols_in_words(symbols: str | Sequence[str] | None) -> str | None:
    """Symbols as ``A,B``; None for those of the configuration."""
    return symbols if symbols is None or isinstance(symbols, str) else ",".join(symbols)
