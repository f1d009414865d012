"""The folder of a paper session, which one process at a time may use (ADR 23)."""

import errno
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from mlx_muzero.errors import StorageError
from mlx_muzero.files.regular import reader
from mlx_muzero.paper import settings as paper_settings
from mlx_muzero.paper.settings import PaperSettings
from mlx_muzero.runlog import journal
from mlx_muzero.runlog.run_folder import RunFolderBase

# A running session may have written this much since its last whole line.
_TAIL_BYTES = 4_000_000


class PaperFolder(RunFolderBase):
    """``runs/<name>/``: paper.toml, journal.jsonl, store.duckdb, decisions/, lock, control.sock."""

    contents, doing, unchecked = "paper session", "traded", "control.sock"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.store_path = path / "store.duckdb"
        self.origin_path = path / "origin.json"
        self.moved_path = path / "moved.json"
        self.snapshots_path = path / "snapshots"
        self.socket_path = path / self.unchecked

    @classmethod
    def of_session(cls, path: Path) -> Self:
        """The folder of the session at `path`.

        Raises:
            RunError: there is none.
        """
        folder = cls(path)
        if not folder.exists:
            raise folder.missing
        return folder

    def begin(self, settings: PaperSettings) -> None:
        """Save the settings of a new session, which exists from then on.

        Raises:
            RunError: the folder cannot be written.
        """
        with self._writable():
            self.mark(paper_settings.dumps(settings))

    def settings(self) -> PaperSettings:
        """The settings the session was started with."""
        if not self.exists:
            raise self.missing
        return paper_settings.load(self.mark_path)

    def _occupy(self, stack: ExitStack) -> None:
        """Like the base method, but removes a folder it made if the session does not start.

        Raises:
            RunError: it cannot be written.
        """
        with self._writable():
            if not self.path.is_dir():
                self.path.mkdir(parents=True)
                stack.callback(self._leave_nothing)
            super()._occupy(stack)

    def _leave_nothing(self) -> None:
        """Remove the folder if no session was started in it."""
        if not self.exists:
            self.lock_path.unlink(missing_ok=True)
            with suppress(OSError):  # someone put something there
                self.path.rmdir()

    def last_journaled(self) -> dict[str, Any] | None:
        """The last numbered event in the journal, if any; torn lines do not count."""
        if not self.journal_path.exists():
            return None
        with reader(self.journal_path) as file:
            file.seek(max(self.journal_path.stat().st_size - _TAIL_BYTES, 0))
            numbered = (event for event in journal.events(file) if journal.number(event) > 0)
            return max(numbered, key=journal.number, default=None)

    @contextmanager
    def writing(self, path: Path) -> Iterator[None]:
        """Explain what to do if `path`, in this folder, cannot be written.

        Raises:
            StorageError: it cannot.
        """
        try:
            yield
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            reason = "the disk is full" if full else f"it cannot be written ({error.strerror})"
            raise StorageError(
                f"{path}: {reason}. Nothing is lost: free some space or make it writable, then "
                "start again."
            ) from error

    @contextmanager
    def _writable(self) -> Iterator[None]:
        try:
            yield
        except BlockingIOError:
            raise
        except OSError as error:
            raise StorageError(
                f"{self.path} cannot be written ({error.strerror}). Make it writable, or choose "
                "another --run."
            ) from error
