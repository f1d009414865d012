"""The output of every importer of series, and its checks.

A point that stays valid for hours or months, a settlement or a figure, is never left out: one
unreadable row refuses the file, unless the user skips bad rows.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mlx_muzero.errors import DataError
from mlx_muzero.market.bars import utc_text
from mlx_muzero.market.importers.rejects import NO_ROWS, RejectedRows
from mlx_muzero.market.series import Series, same_point
from mlx_muzero.types import F64, I64


@dataclass(frozen=True)
class SeriesFile:
    """The content of a file of series.

    Attributes:
        rows: number of rows or messages read.
        series: the series.
        repeats: number of points repeated with the same value; kept once.
        notes: what the user should know.
        rejected: the rejected rows.
        clock: the clock of its times, as recorded with the import.
        misread: points that 0.1.0 read wrongly from it.
    """

    rows: int
    series: list[Series]
    repeats: int = 0
    notes: list[str] = field(default_factory=list)
    rejected: RejectedRows = NO_ROWS
    clock: str = "UTC"
    misread: list[Series] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Points:
    """Rows of one series, in file order.

    Attributes:
        symbol: the symbol.
        name: name of the series.
        lines: ``i64[n]`` line of each row.
        event_ns: ``i64[n]`` UTC times that the values are about.
        known_ns: ``i64[n]`` UTC times from which they are known.
        value: ``f64[n]`` the values.
    """

    symbol: str
    name: str
    lines: I64
    event_ns: I64
    known_ns: I64
    value: F64

    def once(self, path: Path) -> tuple[Series, int]:
        """Each point once, and the number of repeats.

        Raises:
            DataError: a value is not finite, or a point is repeated with another value.
        """
        for row in np.flatnonzero(~np.isfinite(self.value))[:1]:
            raise DataError(f"{path}:{self.lines[row]}: {self.name} is not a finite number")
        order = np.lexsort((self.lines, self.event_ns, self.known_ns))
        event, known, value = self.event_ns[order], self.known_ns[order], self.value[order]
        points, first, inverse = np.unique(
            same_point(self.name, event, known), return_index=True, return_inverse=True
        )
        for row in np.flatnonzero(value != value[first][inverse])[:1]:
            raise DataError(
                f"{path}:{self.lines[order[row]]}: {self.name} of {self.symbol} at "
                f"{utc_text(int(event[row]))} UTC came before, with another value"
            )
        series = Series.of(self.symbol, self.name, event, known, value)
        return series, len(event) - len(points)


def series_file(
    path: Path, rows: int, points: list[Points], rejected: RejectedRows = NO_ROWS
) -> SeriesFile:
    """Build a file's content from `points`.

    Raises:
        DataError: there are none, or as `Points.once`.
    """
    if not any(len(part.value) for part in points):
        raise DataError(f"{path}: has no values")
    found = [part.once(path) for part in points]
    repeats = sum(again for _, again in found)
    return SeriesFile(rows, [series for series, _ in found], repeats, rejected=rejected)
