"""Opens a store's file in a DuckDB instance that reaches no other file."""

import os
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import duckdb

from mlx_muzero.market.store import instances
from mlx_muzero.market.store.duckdb_files import OFFLINE, quoted, shut_in
from mlx_muzero.market.store.instances import Instance
from mlx_muzero.runlog.closeable import Closeable

NAME = "store"
"""The database's name in queries, whatever the file is called."""

_AT_REST = "4MB"
"""What DuckDB keeps of a file's blocks when it gives memory back."""

_readers: Counter[Path] = Counter()
_writers: Counter[Path] = Counter()
_lock = threading.Lock()


class AttachedFile(Closeable):
    """A store's file, open; a context manager that closes it.

    To open a file again takes a tenth of the time that it took first (`instances`).

    Args:
        path: the file; created if missing, unless `read_only`.
        read_only: open for reading only.
        folders: other places that may be written to.
        settings: further settings of the instance.
        row_group: rows of a row group; None for DuckDB's own number.

    Raises:
        duckdb.Error: the file cannot be opened.
    """

    def __init__(
        self,
        path: Path,
        read_only: bool,
        folders: Iterable[Path] = (),
        settings: Mapping[str, str | int] | None = None,
        row_group: int | None = None,
    ) -> None:
        # A link may lead to another file tomorrow, or in a circle, which `resolve` would raise.
        file = Path(os.path.realpath(path))
        config = OFFLINE | dict(settings or {})
        self._use = (path.absolute(), file, *folders, *sorted(config.items()))
        options = "read_only" if read_only else "read_write"
        if row_group is not None:
            options += f", row_group_size {row_group}"
        with ExitStack() as opening:
            opening.enter_context(_counted(file, _readers if read_only else _writers))
            kept = instances.kept(self._use)
            self._confined = kept is not None
            spill = path.with_name(f"{path.name}.tmp").absolute()
            self._instance = kept or Instance.made(spill, config)
            opening.callback(self._release)
            self.db = self._instance.db.cursor()
            self.db.execute(f"attach '{quoted(path)}' as {NAME} (type duckdb, {options})")
            self.db.execute(f"use {NAME}")
            if not self._confined:
                shut_in(self._instance.db, folders)
                self._confined = True
            self._limit, self._at_rest = config["memory_limit"], threading.Lock()
            self._log = path.with_name(f"{path.name}.wal").absolute()
            self._logged = _size(self._log)
            self._opened = opening.pop_all()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Another connection to the file."""
        cursor = self._instance.db.cursor()
        cursor.execute(f"use {NAME}")
        return cursor

    def free_after_checkpoint(self) -> None:
        """Give memory back to the system if DuckDB has made a checkpoint since the last call.

        A checkpoint unpacks whole row groups, and DuckDB would keep the blocks that it wrote and
        the tens of megabytes that it took. Where `undisturbed` code runs, the next call frees them.
        """
        logged = _size(self._log)
        if logged < self._logged:
            if not self._at_rest.acquire(blocking=False):
                return
            try:
                self._free()
            finally:
                self._at_rest.release()
        self._logged = logged

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Let the code of another thread have all of the memory that DuckDB may use."""
        with self._at_rest:
            yield

    def close(self) -> None:
        """Close the file, so that another process can open it."""
        self._opened.close()

    def _free(self) -> None:
        db = self._instance.db
        with suppress(duckdb.Error):  # that much is in use
            db.execute(f"set memory_limit = '{_AT_REST}'")
        db.execute(f"set memory_limit = '{self._limit}'")

    def _release(self) -> None:
        with suppress(duckdb.Error):  # broken, or no room to tidy up: the log has what was written
            self.db.close()
            self._instance.db.execute(f"detach {NAME}")
            if self._confined:
                instances.keep(self._use, self._instance)
                return
        self._instance.db.close()


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


@contextmanager
def _counted(file: Path, users: Counter[Path]) -> Iterator[None]:
    """Count a user of `file`; the system's locks are of no help within a process.

    Raises:
        duckdb.ConnectionException: this process has the file open, and one of the two writes.
    """
    with _lock:
        if _writers[file] or (users is _writers and _readers[file]):
            raise duckdb.ConnectionException("this process has it open already")
        users[file] += 1
    try:
        yield
    finally:
        with _lock:
            users[file] -= 1
