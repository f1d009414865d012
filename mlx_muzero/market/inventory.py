"""Lists what a store holds, and checks the bars and series of one symbol."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mlx_muzero.market.column_shelf import ColumnShelf
from mlx_muzero.market.instrument import Instrument
from mlx_muzero.market.metrics_labels import misread_note
from mlx_muzero.market.quality import QualityReport, check
from mlx_muzero.market.quote_quality import SpreadReport, check_quotes
from mlx_muzero.market.quotes import QUOTE_COLUMNS
from mlx_muzero.market.series import SeriesSummary
from mlx_muzero.market.series_quality import SeriesReport, check_series
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.market.store.bar_table import SymbolSummary
from mlx_muzero.market.store.known_symbols import remember
from mlx_muzero.market.store.origin_table import Origin


@dataclass(frozen=True)
class Inventory:
    """The contents of a store.

    Attributes:
        symbols: symbols with bars, by name.
        series: series, by symbol and name.
        instruments: how each of the symbols trades; None if unknown.
        origins: where each symbol is downloaded from, if it was.
        note: what the user should know about earlier imports, if anything.
        kept: size in bytes of each dataset kept next to the store (`kept_dataset`), by its folder.
    """

    symbols: tuple[SymbolSummary, ...]
    series: tuple[SeriesSummary, ...]
    instruments: Mapping[str, Instrument | None]
    origins: Mapping[str, Origin]
    note: str | None
    kept: Mapping[Path, int]

    def as_dict(self) -> dict[str, Any]:
        """The contents as a JSON-able dict."""
        traded = {name: each and asdict(each) for name, each in self.instruments.items()}
        origins = {name: asdict(origin) for name, origin in self.origins.items()}
        return {
            "symbols": [
                asdict(s) | {"instrument": traded[s.symbol], "origin": origins.get(s.symbol)}
                for s in self.symbols
            ],
            "series": [asdict(s) for s in self.series],
            "kept": {str(folder): size for folder, size in self.kept.items()},
        }


def inventory(database: Path) -> Inventory:
    """The contents of the store at `database`; caches its symbols for shell completion.

    Raises:
        DataError: there is no store, or it is damaged.
    """
    with BarStore(database, read_only=True) as store:
        symbols, series = store.symbols(), store.series()
        traded = {s.symbol: store.find_instrument(s.symbol) for s in symbols}
        origins = {origin.symbol: origin for origin in store.origins.all()}
        note = misread_note(store.imports(), database)
    remember(database, (s.symbol for s in symbols))
    kept = ColumnShelf(database).sizes()
    return Inventory(tuple(symbols), tuple(series), traded, origins, note, kept)


@dataclass(frozen=True)
class SymbolReport:
    """The result of checking the bars and series of one symbol.

    Attributes:
        bars: gaps, impossible prices, outliers; None for a symbol with series only, such as MACRO.
        series: the report on each series.
        accepted: by file, the checks that the user overrode on import.
        note: what the user should know about earlier imports, if anything.
        spreads: the quotes of the bars; None if they have none.
    """

    bars: QualityReport | None
    series: tuple[SeriesReport, ...]
    accepted: Mapping[str, tuple[str, ...]]
    note: str | None
    spreads: SpreadReport | None = None

    def as_dict(self) -> dict[str, Any]:
        """The report as a JSON-able dict."""
        bars = {} if self.bars is None else asdict(self.bars)
        return bars | {
            "series": [asdict(s) for s in self.series],
            "spreads": None if self.spreads is None else asdict(self.spreads),
            "accepted": self.accepted,
        }


def check_symbol(database: Path, symbol: str) -> SymbolReport:
    """Check `symbol`, in any spelling, without changing anything.

    Raises:
        DataError: there is no store, or it has nothing of the symbol.
        UnknownInstrument: its trading hours are unknown.
    """
    with BarStore(database, read_only=True) as store:
        symbol = store.spelling(symbol)
        names = [s.name for s in store.series() if s.symbol == symbol]
        series = [check_series(store.load_series(symbol, name)) for name in names]
        imports = [record for record in store.imports() if record.symbol == symbol]
        quality = spreads = None
        if not series or any(s.symbol == symbol for s in store.symbols()):
            repeats = sum(record.repeats for record in imports)
            bars, traded = store.load(symbol, extras=QUOTE_COLUMNS), store.instrument(symbol)
            quality = check(bars, traded.market, repeats)
            spreads = check_quotes(bars, traded.pip_size)
    accepted = {record.file: record.accepted for record in imports if record.accepted}
    return SymbolReport(quality, tuple(series), accepted, misread_note(imports, database), spreads)
