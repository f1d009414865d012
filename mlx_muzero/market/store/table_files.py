"""Writes tables of columns to CSV or Parquet files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mlx_muzero.market.store.duckdb_files import Columns, quoted, scratch

TableFormat = Literal["csv", "parquet"]

_TABLE = "given"
_OPTIONS = {"csv": "format csv, header", "parquet": "format parquet"}


def write_tables(tables: Mapping[str, Columns], folder: Path, kind: TableFormat) -> list[Path]:
    """Write each table to ``folder/NAME.csv`` or ``.parquet``, and return the files.

    Times in CSV are ISO 8601 in UTC, ``2024-01-07T22:00:00Z``; a column `date` is a date.

    Raises:
        DataError: a file cannot be written.
        StorageError: the disk is full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    with scratch(threads=1, folders=(folder,)) as db:
        for name, columns in tables.items():
            target = folder / f"{name}.{kind}"
            db.register(_TABLE, columns)
            chosen = ", ".join(_selected(name, column, kind) for name, column in columns.items())
            db.execute(f"copy (select {chosen} from {_TABLE}) to '{quoted(target)}' "
                       f"({_OPTIONS[kind]})")  # fmt: skip
            db.unregister(_TABLE)
            written.append(target)
    return written


def _selected(name: str, column: "np.ndarray[Any, Any]", kind: TableFormat) -> str:
    name = '"' + name.replace('"', '""') + '"'
    if column.dtype.kind != "M":
        return name
    if name == '"date"':
        return f"{name}::date as {name}"
    if kind == "csv":
        return f"strftime({name}::timestamp, '%Y-%m-%dT%H:%M:%SZ') as {name}"
    return name
