"""DuckDB instances in which files from elsewhere are read."""

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import duckdb

from mlx_muzero.market.store import instances
from mlx_muzero.market.store.duckdb_files import OFFLINE, quoted, shut_in
from mlx_muzero.market.store.instances import Instance
from mlx_muzero.runlog.closeable import Closeable

_SETTINGS = OFFLINE | {"enable_external_file_cache": "false"}
"""Nothing that was read from one file may answer for the next."""


class ReadingDesk(Closeable):
    """An empty database, and a temporary folder that goes with it; a context manager.

    Args:
        for_copies: `file` will be no link. Once closed, the desk then serves the next who asks for
            such a one; DuckDB allows what a link leads to, which is another file each time.

    Attributes:
        db: the database.
        file: a path in the folder, for the file that is read or a link to it.
    """

    def __init__(self, *, for_copies: bool = False) -> None:
        kept = _kept() if for_copies else None
        self._serves_again, self._confined = for_copies, kept is not None
        if kept is None:
            folder = Path(tempfile.mkdtemp(prefix="mlx-muzero-"))
            kept = Instance.made(folder / "spill", _SETTINGS)
        self._instance = kept
        self.db, self.file = kept.db, kept.spill.with_name("rows.parquet")

    def confine_to_file(self) -> None:
        """Let the database reach `file`, which exists, and nothing else."""
        if not self._confined:
            self.db.execute(f"set allowed_paths = ['{quoted(self.file)}']")
            self.confine()

    def confine(self) -> None:
        """Let the database reach nothing that it has not open."""
        shut_in(self.db)
        self.db.execute("set lock_configuration = true")
        self._confined = True

    def close(self) -> None:
        """Close the database, or empty it for the next file, and remove the folder."""
        try:
            if self._serves_again and self._confined:
                with suppress(duckdb.Error):  # broken
                    self.db.execute("drop view if exists rows; drop view if exists metadata")
                    instances.keep(ReadingDesk, self._instance)
                    return
            self.db.close()
        finally:
            shutil.rmtree(self.file.parent, ignore_errors=True)


def _kept() -> Instance | None:
    instance = instances.kept(ReadingDesk)
    if instance is not None:
        try:
            instance.spill.parent.mkdir(mode=0o700)
        except OSError:  # somebody else has a folder by that name, or there is no place for it
            instance.db.close()
            return None
    return instance
