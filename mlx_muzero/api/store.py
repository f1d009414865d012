"""The bar store for notebooks: a path, opened for each call and closed again."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mlx_muzero.api.notes import note, note_all
from mlx_muzero.experiment.synthetic_market import store_market
from mlx_muzero.frames import FrameLibrary, frame_of
from mlx_muzero.market.bars import BAR_COLUMNS, Bars, utc_ns
from mlx_muzero.market.importers import Choices, Failure, ImportBatch, ImportReport
from mlx_muzero.market.importers.into_store import import_batch
from mlx_muzero.market.instrument import Instrument, Market
from mlx_muzero.market.inventory import SymbolReport, check_symbol
from mlx_muzero.market.stated_instruments import state_instruments
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.market.store.bar_table import SymbolSummary
from mlx_muzero.market.store.location import DEFAULT_DATABASE
from mlx_muzero.market.store.symbol_rows import RowCounts
from mlx_muzero.market.synthetic.kinds import MarketKind
from mlx_muzero.types import I64

if TYPE_CHECKING:
    from mlx_muzero.download.job import Result
    from mlx_muzero.download.report import DownloadReport


@dataclass(frozen=True)
class SymbolList:
    """The symbols of a store.

    Attributes:
        symbols: one summary each.
    """

    symbols: tuple[SymbolSummary, ...]

    def to_frame(self, library: FrameLibrary | None = None) -> Any:
        """A row for each symbol: its name, bars, first and last open (UTC), and its series.

        Args:
            library: "pandas" or "polars"; None for whichever is installed, pandas first.

        Raises:
            MuZeroError: neither is installed.
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
            MuZeroError: neither is installed.
        """
        columns: dict[str, Any] = {name: getattr(self.bars, name) for name in BAR_COLUMNS}
        opens = self.bars.open_time_ns.astype("datetime64[ns]")
        return frame_of({"open_utc": opens, **columns}, library)


@dataclass(frozen=True)
class Store:
    """A bar store in one DuckDB file, which is not kept open between calls.

    Attributes:
        path: the file; the first import creates it.
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
        columns: Mapping[str, str] | None = None,
    ) -> list[ImportReport]:
        """Import bars or series; importing a file again changes nothing.

        Args:
            files: csv, JSON, feather, parquet or DuckDB files, packed or not, or folders of them.
            symbol: symbol of the bars; None to detect it from each file.
            format_name: file format; None to detect it.
            clock: the files' clock: "UTC", "UTC+2", an IANA zone, "histdata"; None to detect it or
                use the format's own.
            replace: replace stored bars where a file differs.
            skip_bad_rows: import a file's good rows, however many are bad.
            stamps: whether bars are stamped at their open or close; None for open, unless the file
                suggests otherwise.
            accept_clock: trust the clock, whatever the weeks in the file show.
            accept_jump: accept prices that do not continue the stored ones.
            columns: columns of text files with other names than usual, each by name or number:
                ``{"time": "Stamp", "open": "First"}``.

        Returns:
            A report for each file, in import order.

        Raises:
            MuZeroError: the error of the first file that failed, once all others are imported.
        """
        chosen = tuple((columns or {}).items())
        choices = Choices(replace, skip_bad_rows, stamps, accept_clock, accept_jump, chosen)
        batch = ImportBatch.of([Path(file) for file in files], self.path)
        results = import_batch(batch, self.path, symbol, format_name, clock, choices)
        reports = [result for result in results if not isinstance(result, Failure)]
        for failure in (result for result in results if isinstance(result, Failure)):
            raise failure.error
        for report in reports:
            note_all(f"{report.file}: {text}" for text in report.notes)
        return reports

    def download(
        self,
        venue: str,
        *symbols: str,
        first_utc: str,
        end_utc: str | None = None,
        series: Sequence[str] = (),
        replace: bool = False,
        accept_jump: bool = False,
    ) -> "list[DownloadReport]":
        """Download minute bars; the same call continues a download that ended early.

        Args:
            venue: an exchange by ccxt's name, or "oanda".
            symbols: pairs, in our spelling or the exchange's.
            first_utc: first time.
            end_utc: end of the period; None for now.
            series: "funding_rate" and "open_interest", where the exchange has them.
            replace: request the whole period again and replace stored bars that differ.
            accept_jump: accept prices that do not continue the stored ones.

        Returns:
            A report for each symbol.

        Raises:
            MuZeroError: the error of the first symbol that failed, once all others are downloaded.
            ValueError: a time is invalid.
        """
        from mlx_muzero.download.into_store import download_into
        from mlx_muzero.download.job import Wish

        first, end = utc_ns(first_utc), None if end_utc is None else utc_ns(end_utc)
        wishes = [Wish(symbol, first, end, tuple(series)) for symbol in symbols]
        choices = Choices(replace=replace, accept_jump=accept_jump)
        return _downloaded(download_into(self.path, {venue: wishes}, choices))

    def update(
        self, *symbols: str, replace: bool = False, accept_jump: bool = False
    ) -> "list[DownloadReport]":
        """Bring downloaded symbols up to date, each from its own source; all if none is named.

        Args:
            symbols: symbols that were downloaded, in any spelling.
            replace: request everything again and replace stored bars that differ.
            accept_jump: accept prices that do not continue the stored ones.

        Returns:
            A report for each symbol.

        Raises:
            MuZeroError: as `download`, or a symbol was not downloaded.
        """
        from mlx_muzero.download.into_store import download_into, downloaded_before

        choices = Choices(replace=replace, accept_jump=accept_jump)
        wishes = downloaded_before(self.path, symbols)
        return _downloaded(download_into(self.path, wishes, choices))

    def add_synthetic(
        self,
        kind: MarketKind,
        *,
        symbol: str | None = None,
        days: int = 250,
        seed: int = 1,
        cost_pips: float | None = None,
        session_bars: int = 360,
    ) -> dict[str, Any]:
        """Make a market whose best policy is known, replacing one with the same name.

        Args:
            kind: "random_walk" cannot be traded at a profit, planted markets can.
            symbol: name in the store, numbered for several pairs; None for the kind's.
            days: trading days of 1,440 bars.
            seed: seed of all random numbers.
            cost_pips: round-trip cost for which the best policy is computed; None for the kind's:
                4, or 6 for planted_wait.
            session_bars: session length for which it is computed, in steps.

        Returns:
            What is known about the market: `expected_pips_per_session`, and how it was made.

        Raises:
            DataError: the name holds real bars.
        """
        _, truth = store_market(self.path, kind, symbol, days, seed, cost_pips, session_bars)
        return dict(truth)

    def symbols(self) -> SymbolList:
        """Summarize the store's contents by symbol.

        Raises:
            DataError: there is no store at the path.
        """
        with BarStore(self.path, read_only=True) as store:
            return SymbolList(tuple(store.symbols()))

    def check(self, symbol: str) -> SymbolReport:
        """Find gaps, impossible prices and outliers of `symbol`, and check its series' regularity.

        Raises:
            DataError: the store has nothing for the symbol, or does not know how it trades.
        """
        report = check_symbol(self.path, symbol)
        if report.note:
            note(report.note)
        return report

    def set_instrument(
        self, *symbols: str, market: Market | None = None, pip_size: float | None = None
    ) -> list[Instrument]:
        """State how symbols trade whose names do not tell, before or after importing their bars.

        Args:
            symbols: in any spelling.
            market: calendar: "fx" closes at weekends, "crypto" never does; None for what is known.
            pip_size: price of one pip, 0 to count in basis points; None for what is known.

        Raises:
            DataError: one of the two is neither given nor known.
        """
        return state_instruments(self.path, symbols, market, pip_size)

    def rename(self, symbol: str, to: str) -> None:
        """Rename `symbol` to `to`, with its bars, series, imports and trading facts.

        Raises:
            DataError: the store has nothing for `symbol`, or already has something for `to`.
        """
        with BarStore(self.path, existing=True) as store:
            store.rename(symbol, to)

    def remove(
        self, symbol: str, first_utc: str | None = None, end_utc: str | None = None
    ) -> RowCounts:
        """Remove `symbol`, or its data from `first_utc` on and before `end_utc`.

        Files imported for that period can be imported again.

        Returns:
            Number of bars, points of series and imports removed.

        Raises:
            DataError: the store has nothing for the symbol.
            ValueError: a time is invalid.
        """
        first, end = (None if text is None else utc_ns(text) for text in (first_utc, end_utc))
        with BarStore(self.path, existing=True) as store:
            store.require(symbol)
            return store.remove(symbol, first, end)

    def bars(
        self, symbol: str, first_utc: str | None = None, end_utc: str | None = None
    ) -> StoredBars:
        """Load bars of `symbol` that open from `first_utc` on and before `end_utc`; all by default.

        Raises:
            DataError: there are none, or there is no store.
            ValueError: a time is invalid.
        """
        first, end = (None if text is None else utc_ns(text) for text in (first_utc, end_utc))
        with BarStore(self.path, read_only=True) as store:
            return StoredBars(store.load(store.spelling(symbol), first, end))


def open_store(path: str | Path = DEFAULT_DATABASE) -> Store:
    """Open the bar store at `path`, which need not exist yet."""
    return Store(Path(path))


def store_path(store: "Store | str | Path | None") -> Path | None:
    """The path of a store given as an object or path; None for the default store."""
    return store.path if isinstance(store, Store) else None if store is None else Path(store)


def symbols_in_words(symbols: str | Sequence[str] | None) -> str | None:
    """Symbols as ``A,B``; None for those of the configuration."""
    return symbols if symbols is None or isinstance(symbols, str) else ",".join(symbols)


def _downloaded(results: "Sequence[Result]") -> "list[DownloadReport]":
    """The reports; raises the first failure."""
    from mlx_muzero.download.report import DownloadFailure

    for failure in (result for result in results if isinstance(result, DownloadFailure)):
        raise failure.error
    reports = [result for result in results if not isinstance(result, DownloadFailure)]
    for report in reports:
        note_all(f"{report.symbol}: {text}" for text in report.notes)
    return reports
