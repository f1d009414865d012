"""Reads the times of a table, parquet or feather, from whatever type of column holds them."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from mlx_muzero.errors import DataError
from mlx_muzero.market.importers.column_names import time_fields
from mlx_muzero.market.importers.fields import EPOCH, U8, epoch_ns, is_zoned, pattern_text, stamps
from mlx_muzero.market.importers.stamp_patterns import ACCEPTED, moment_pattern, readings
from mlx_muzero.market.store.duckdb_files import MOMENTS, WALL_TIMES, Columns, quoted_name
from mlx_muzero.market.store.foreign_file import ForeignFile
from mlx_muzero.types import I64, Bool

_COUNTS = ("BIGINT", "UBIGINT", "INTEGER", "UINTEGER", "HUGEINT", "DOUBLE")
_TEXT = "VARCHAR"
_INDEX = ("__index_level_0__", "index")
"""Names under which pandas writes an index without a name, and a reset one."""
_SAMPLED = 1000
_LONGEST = 64


@dataclass(frozen=True)
class TableTimes:
    """The column of a table's times, or those of its dates and times of day.

    Attributes:
        columns: the columns.
        sql: expression of the time, in a query on ``rows``.
        pattern: pattern of a text (see `fields.stamps`), `EPOCH` for counts, None for stamps.
        zoned: whether each time identifies its moment in UTC.
    """

    columns: tuple[str, ...]
    sql: str
    pattern: str | None
    zoned: bool

    @classmethod
    def among(cls, file: ForeignFile, given: str | None = None) -> Self | None:
        """The times of `file`, in the column `given` or in the likeliest of a usual name.

        Returns:
            None if no column has such a name.

        Raises:
            DataError: the column does not hold times.
        """
        names = list(file.types)
        likely = [names[field] for field in time_fields(names)]
        likely = [given] if given else likely or [name for name in _INDEX if name in names][:1]
        # A column of whole days, or of times of day, is second to one of moments.
        moments = [name for name in likely if file.types[name] not in ("DATE", "TIME")]
        for name in moments:
            found = cls._of_column(file, name)
            if found is not None:
                return found
        found = cls._of_two(file, likely)
        if found is None and likely:
            name = moments[0] if moments else likely[0]
            kind = file.types[name]
            (first,) = file.fetch(f"select any_value({quoted_name(name)})::varchar as x from rows")[
                "x"
            ]
            raise DataError(
                f"{file.path}: column {name} is {kind}, such as {str(first)[:40]!r}, which is no"
                f" time that can be read: write it as a timestamp, or as text {ACCEPTED}"
            )
        return found

    @classmethod
    def _of_column(cls, file: ForeignFile, name: str) -> Self | None:
        kind, column = file.types[name], quoted_name(name)
        if kind in MOMENTS + WALL_TIMES:
            return cls((name,), f"epoch_ns({column})", None, kind in MOMENTS)
        if kind in _COUNTS:
            return cls((name,), f"{column}::bigint", EPOCH, zoned=True)
        if kind == _TEXT:
            return cls._of_text(file, (name,), column)
        return None

    @classmethod
    def _of_two(cls, file: ForeignFile, likely: list[str]) -> Self | None:
        """A date and a time of day in columns of their own."""
        for day in likely:
            for hour in likely:
                kinds = file.types[day], file.types[hour]
                names, columns = (day, hour), (quoted_name(day), quoted_name(hour))
                if kinds == ("DATE", "TIME"):
                    return cls(names, f"epoch_ns({' + '.join(columns)})", None, zoned=False)
                if day != hour and kinds == (_TEXT, _TEXT):
                    found = cls._of_text(file, names, " || ' ' || ".join(columns))
                    if found is not None:
                        return found
        return None

    @classmethod
    def _of_text(cls, file: ForeignFile, names: tuple[str, ...], sql: str) -> Self | None:
        sample = file.fetch(
            f"select {sql} as text from rows where text is not null limit {_SAMPLED}"
        )["text"]
        pattern = moment_pattern(str(text) for text in sample)
        if pattern is not None and len(readings(pattern)) > 1:
            either = " or ".join(map(pattern_text, readings(pattern)))
            raise DataError(
                f"{file.path}: the times in column {names[0]} may be {either}: write them as"
                " timestamps, or as YYYY-MM-DD"
            )
        return None if pattern is None else cls(names, sql, pattern, is_zoned(pattern))

    def read(self, table: Columns, name: str) -> tuple[I64, Bool]:
        """Times that a query with `sql` gave.

        Args:
            table: the result of the query.
            name: the column in it.

        Returns:
            ``i64[T]`` nanoseconds since 1970, and ``bool[T]`` whether each is a time.
        """
        known = ~np.ma.getmaskarray(table[name])
        values = np.ma.getdata(table[name])
        if self.pattern is None:
            return values.astype(np.int64, copy=False), known
        if self.pattern == EPOCH:
            times, is_time = epoch_ns(np.where(known, values, 0).astype(np.int64))
            return times, known & is_time
        texts = [
            str(text)[:_LONGEST].encode() if is_known else b""
            for text, is_known in zip(values, known, strict=True)
        ]
        end = np.cumsum([len(text) for text in texts], dtype=np.int64)
        start = np.concatenate([[0], end[:-1]])
        data: U8 = np.frombuffer(b"".join(texts) or b" ", np.uint8)
        return stamps(data, start, end, self.pattern)
