"""Writes a report's tables to the folders of --csv and --parquet."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from muzero_cli.display.console import narration_console, say

if TYPE_CHECKING:
    from mlx_muzero.evaluation.result_tables import Tables
    from mlx_muzero.market.store.table_files import TableFormat


def made(folders: "Mapping[TableFormat, Path | None]") -> "dict[TableFormat, Path]":
    """The folders that were named, which exist from now on."""
    wanted = {kind: folder for kind, folder in folders.items() if folder is not None}
    for folder in wanted.values():
        folder.mkdir(parents=True, exist_ok=True)
    return wanted


def written(tables: "Callable[[], Tables]", folders: "Mapping[TableFormat, Path]") -> None:
    """Write the tables to each of `folders`, and say so."""
    if not folders:
        return
    from mlx_muzero.market.store.table_files import write_tables

    found = tables()
    for kind, folder in folders.items():
        count = len(write_tables(found, folder, kind))
        say(narration_console(), f"{count} tables written to {folder}")
