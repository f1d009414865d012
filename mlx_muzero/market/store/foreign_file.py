"""Reads one table of a file from elsewhere, and nothing that its name or content points to."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import duckdb

from mlx_muzero.errors import DataError
from mlx_muzero.market.store.arrow_files import feather_to_parquet, is_feather
from mlx_muzero.market.store.duckdb_files import (
    MOMENTS,
    WALL_TIMES,
    Columns,
    quoted,
    quoted_name,
    refusal,
)
from mlx_muzero.market.store.reading_desk import ReadingDesk
from mlx_muzero.runlog.closeable import Closeable

_COPIED = 1 << 20
"""Bytes of a parquet file that is copied sooner than a DuckDB instance is made for it alone."""

_ROW_NUMBERS = ("file_row_number", "rowid")

_Attach: TypeAlias = Callable[[ReadingDesk], None]
"""Creates the view `rows` in the desk's database, which it leaves confined."""


class ForeignFile(Closeable):
    """One table of one file, named ``rows`` in queries; a context manager.

    Raises:
        DataError: DuckDB failed, here or in `fetch`; gives its message and the path.
    """

    def __init__(self, path: Path, attach: _Attach, desk: ReadingDesk) -> None:
        """Use `parquet` or `database` instead."""
        self.path = path
        self._desk, self._db = desk, desk.db
        try:
            attach(desk)
            described = self.fetch("describe rows")
        except BaseException as error:
            self.close()
            if isinstance(error, duckdb.Error):
                raise refusal(path, error) from error
            raise
        columns = zip(described["column_name"], described["column_type"], strict=True)
        self.types: dict[str, str] = {
            str(name): str(kind) for name, kind in columns if name not in _ROW_NUMBERS
        }
        """The table's own columns and their DuckDB types."""

    @classmethod
    def table(cls, path: Path) -> "ForeignFile":
        """The rows of a parquet or feather file, with ``file_row_number`` from 0.

        Raises:
            DataError: it is a feather file, and pyarrow is not installed.
        """
        return cls.feather(path) if is_feather(path) else cls.parquet(path)

    @classmethod
    def feather(cls, path: Path) -> "ForeignFile":
        """The rows of a feather file, by way of a temporary parquet file; see `table`."""

        def attach(desk: ReadingDesk) -> None:
            feather_to_parquet(path, desk.file)
            _attach_parquet(desk)

        return cls(path, attach, ReadingDesk(for_copies=True))

    @classmethod
    def parquet(cls, path: Path) -> "ForeignFile":
        """The rows of a parquet file, with an extra column ``file_row_number`` from 0."""

        def attach_copy(desk: ReadingDesk) -> None:
            try:
                shutil.copyfile(path, desk.file)
            except OSError as error:
                raise DataError(
                    f"{path}: it cannot be read ({error.strerror}): check its disk and its "
                    "permissions"
                ) from error
            _attach_parquet(desk)

        def attach_link(desk: ReadingDesk) -> None:
            desk.file.symlink_to(path.absolute())
            _attach_parquet(desk)

        if path.is_file() and path.stat().st_size <= _COPIED:
            return cls(path, attach_copy, ReadingDesk(for_copies=True))
        return cls(path, attach_link, ReadingDesk())

    @classmethod
    def database(cls, path: Path, table: str) -> "ForeignFile":
        """A table of a DuckDB file, with ``rowid``; views and macros are never run.

        Raises:
            DataError: there is no such table.
        """

        def attach(desk: ReadingDesk) -> None:
            db = desk.db
            db.execute(f"attach '{quoted(path)}' as stranger (type duckdb, read_only)")
            found = db.execute(
                "select schema_name, table_name from duckdb_tables()"
                " where database_name = 'stranger' and lower(table_name) = ?",
                [table.lower()],
            ).fetchall()
            if len(found) != 1:
                held = f"{len(found)} tables" if found else "a DuckDB file without a table"
                raise DataError(
                    f"{path}: {held} {table}; it takes one, and no view, which may look at other"
                    f" files: create table {table} as select ..."
                )
            place = ".".join(quoted_name(name) for name in found[0])
            db.execute(f"create view rows as select rowid, * from stranger.{place}")

            desk.confine()

        return cls(path, attach, ReadingDesk())

    def close(self) -> None:
        """Close the file."""
        self._desk.close()

    def fetch(self, query: str, parameters: list[str | int] | None = None) -> Columns:
        """The result of a query as columns with nulls masked; ``?`` marks each parameter."""
        try:
            return self._db.execute(query, parameters or []).fetchnumpy()
        except duckdb.Error as error:
            raise DataError(f"{self.path}: {str(error).splitlines()[0]}") from error

    def metadata(self, key: str) -> str | None:
        """The text that a parquet file's metadata has under `key`, if any."""
        found = self.fetch(
            "select decode(value) as text from metadata where key = encode(?)", [key]
        )["text"]
        return str(found[0]) if len(found) else None

    def require_time(self, column: str) -> bool:
        """Whether the timestamps in `column` have a time zone.

        Raises:
            DataError: `column` does not hold timestamps.
        """
        kind = self.types[column]
        if kind not in MOMENTS + WALL_TIMES:
            raise DataError(
                f"{self.path}: column {column} is {kind}, expected a timestamp"
                f" ({', '.join(WALL_TIMES + MOMENTS)})"
            )
        return kind in MOMENTS


def _attach_parquet(desk: ReadingDesk) -> None:
    desk.confine_to_file()
    file = quoted(desk.file)
    desk.db.execute(
        f"create view rows as select * from read_parquet('{file}',"
        " file_row_number = true, hive_partitioning = false)"
    )
    desk.db.execute(f"create view metadata as select * from parquet_kv_metadata('{file}')")
