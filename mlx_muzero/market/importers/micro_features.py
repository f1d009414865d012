"""Reads FX's training table, `micro_features`, and checks it for consistency.

The table (FX "Feature Composition", "Critical Implementation Notes") has one row per bar and lagged
columns ``<feature>_<lag>``, lags 0 (this bar) to 31, for the five technical features and, in some
tables, for the four calendar features too, which are otherwise there once or not at all. It also
has a time and prices. Features are derived data, so only the prices are stored; but a table whose
lag k in row t is not lag 0 of row t - k was built wrongly, and its prices cannot be trusted.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mlx_muzero.errors import DataError
from mlx_muzero.market.bars import PRICE_COLUMNS, utc_text
from mlx_muzero.market.importers.formats import MICRO_FEATURES
from mlx_muzero.market.importers.rejects import RowFilter
from mlx_muzero.market.importers.source import Chunk, reject_faults
from mlx_muzero.market.observation.fx_features import CALENDAR_NAMES, FEATURE_NAMES
from mlx_muzero.market.store.duckdb_files import MOMENTS, WALL_TIMES, Columns
from mlx_muzero.market.store.foreign_file import ForeignFile
from mlx_muzero.market.week_edges import Stamps
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import F64, I64

LAGS = 32
TABLE = "micro_features"

# The table's other columns are not specified; these are names that such tables use.
TIME_NAMES = ("timestamp", "open_time", "time", "datetime", "date_time", "bar_time", "ts")
CLOSE_NAMES = ("close", "close_price", "bid_close", "close_bid", "mid_close", "price", "c")

ROWS_PER_BATCH = 20_000
# Features stored as float32 agree to about 1e-7.
TOLERANCE = 1e-6


@dataclass
class MicroFeaturesSource:
    """Implements `BarSource` for FX's feature table."""

    path: Path
    time: str
    prices: dict[str, str]
    lagged: tuple[str, ...]
    size: int
    zoned: bool
    format: str = MICRO_FEATURES
    clock: str | None = "UTC"
    stamps: Stamps | None = None
    ask_only: bool = False
    shortest_row: int = 1
    notes: list[str] = field(default_factory=list)
    symbols: tuple[Symbol, ...] = ()
    _checked: bool = False

    @classmethod
    def open(cls, path: Path) -> "MicroFeaturesSource":
        """A source for the DuckDB file at `path`.

        Raises:
            DataError: the table, a required lagged column, the time or the close is missing.
        """
        with ForeignFile.database(path, TABLE) as file:
            names = {name.lower(): name for name in file.types}
            lagged = _lagged_features(names, path)
            time = _first_of(TIME_NAMES, names, path, "time")
            # A time that is a text or a date is read as a wall time.
            cast = "" if file.types[time] in MOMENTS + WALL_TIMES else "::timestamp"
            zoned = file.types[time] in MOMENTS
            close = _first_of(CLOSE_NAMES, names, path, "close")
            (size,) = file.fetch("select count(*) as n from rows")["n"]
        whole = all(name in names for name in PRICE_COLUMNS)
        prices = {name: names[name] if whole else close for name in PRICE_COLUMNS}
        source = cls(path, f'epoch_ns("{time}"{cast})', prices, lagged, int(size), zoned)
        if not whole:
            source.notes.append(
                f"the table has no open, high, low: they were all set to {close}, so a bar shows"
                " no range within its minute"
            )
        return source

    def chunks(self) -> Iterator[Chunk]:
        """See `BarSource`; rows are in time order.

        Raises:
            DataError: a lag disagrees with lag 0; names column, row and values.
        """
        prices = ", ".join(f'"{name}"::double as {alias}' for alias, name in self.prices.items())
        lagged = [f"{feature}_{lag}" for feature in self.lagged for lag in range(LAGS)]
        quoted = ", ".join(f'"{name}"::double as "{name}"' for name in lagged)
        with ForeignFile.database(self.path, TABLE) as file:
            times = self._times(file)
            compared, done = 0, 0
            while done < len(times):
                # The lags of the batch are compared with the rows before it.
                head = max(done - LAGS + 1, 0)
                stop = min(done + ROWS_PER_BATCH, len(times))
                table = file.fetch(
                    f"""select rowid + 1 as row, {self.time} as wall_ns, {prices}, {quoted}
                        from rows where wall_ns between ? and ? order by wall_ns""",
                    [int(times[head]), int(times[stop - 1])],
                )
                compared += self._compare_lags(table, done - head)
                yield self._chunk(table, done - head, stop)
                done = stop
        note = (
            f"{len(lagged)} lagged columns: lags 1 to {LAGS - 1} agree with lag 0"
            f" ({compared:,} values compared)"
        )
        if note not in self.notes:
            self.notes.append(note)

    def _times(self, file: ForeignFile) -> I64:
        times = file.fetch(f"select {self.time} as t from rows order by t")["t"]
        if np.ma.getmaskarray(times).any():
            raise DataError(f"{self.path}: {TABLE} has rows without a time")
        wall = np.ma.getdata(times).astype(np.int64)
        twice = np.flatnonzero(np.diff(wall) == 0)
        if len(twice):
            at = utc_text(int(wall[twice[0]]))
            raise DataError(
                f"{self.path}: {TABLE} has {len(twice)} duplicate times, the first at {at}"
            )
        return wall

    def _compare_lags(self, table: Columns, first_new: int) -> int:
        wall = np.asarray(table["wall_ns"], np.int64)
        compared = 0
        for feature in self.lagged:
            now = np.ma.filled(table[f"{feature}_0"], np.nan)
            for lag in range(1, LAGS):
                start = max(lag, first_new)
                if start >= len(wall):
                    break
                then, lagged = now[start - lag : len(now) - lag], table[f"{feature}_{lag}"][start:]
                lagged = np.ma.filled(lagged, np.nan)
                contiguous = wall[start:] - wall[start - lag : len(wall) - lag] == lag * MINUTE_NS
                known = contiguous & ~np.isnan(then) & ~np.isnan(lagged)
                compared += int(known.sum())
                off = known & (np.abs(then - lagged) > TOLERANCE * np.maximum(1, np.abs(then)))
                if off.any():
                    row = int(np.flatnonzero(off)[0])
                    raise DataError(
                        f"{self.path}: refused, the store is unchanged: column {feature}_{lag} of"
                        f" row {table['row'][start + row]} ({utc_text(int(wall[start + row]))}) is"
                        f" {lagged[row]:g}, but {feature}_0 was {then[row]:g} {lag} rows earlier"
                    )
        return compared

    def _chunk(self, table: Columns, first_new: int, done: int) -> Chunk:
        wall = np.asarray(table["wall_ns"], np.int64)[first_new:]
        lines = np.asarray(table["row"], np.int64)[first_new:]
        columns: dict[str, F64] = {
            name: np.ma.filled(table[name], np.nan)[first_new:] for name in PRICE_COLUMNS
        }
        rows = RowFilter(lines)
        rows.reject(wall % MINUTE_NS != 0, "the time is not a whole minute")
        reject_faults(rows, columns)
        rejected = rows.rejected(lambda row: ", ".join(f"{columns[n][row]:g}" for n in columns))
        good = rows.good
        kept = {name: values[good] for name, values in columns.items()}
        return Chunk(None, wall[good], lines[good], kept, rejected, done)


def _lagged_features(names: dict[str, str], path: Path) -> tuple[str, ...]:
    """The lagged features: those that FX lags, and any calendar features with lags."""
    lagged, missing = [], []
    for feature in FEATURE_NAMES:
        lags = [lag for lag in range(LAGS) if f"{feature}_{lag}" in names]
        if feature in CALENDAR_NAMES and not any(lags):
            continue
        lagged.append(feature)
        missing += [f"{feature}_{lag}" for lag in range(LAGS) if lag not in lags]
    if missing:
        raise DataError(
            f"{path}: table {TABLE} lacks {len(missing)} of the {LAGS} lags of"
            f" {len(lagged)} features, first {missing[0]}"
        )
    return tuple(lagged)


def _first_of(wanted: tuple[str, ...], names: dict[str, str], path: Path, what: str) -> str:
    for name in wanted:
        if name in names:
            return names[name]
    raise DataError(f"{path}: table {TABLE} has no {what} column (looked for {', '.join(wanted)})")
