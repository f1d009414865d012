"""The folder of a paper session, and the one process that may be in it (ADR 23)."""

import errno
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from mlx_muzero.errors import RunError
from mlx_muzero.files.regular import reader, require_plain, write_text
from mlx_muzero.paper import settings as paper_settings
from mlx_muzero.paper.settings import PaperSettings
from mlx_muzero.runlog import journal
from mlx_muzero.runlog.folder_kinds import MARKS, missing, require_room
from mlx_muzero.runlog.folders import flush, locked

# A session that is said to run may have written this much since its last whole line.
_TAIL_BYTES = 4_000_000


class PaperFolder:
    """``runs/<name>/``: paper.toml, journal.jsonl, store.duckdb, decisions/, lock, control.sock."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.settings_path = path / MARKS["paper session"]
        self.journal_path = path / "journal.jsonl"
        self.store_path = path / "store.duckdb"
        self.lock_path = path / "lock"
        self.decisions_path = path / "decisions"
        self.origin_path = path / "origin.json"
        self.moved_path = path / "moved.json"
        self.snapshots_path = path / "snapshots"
        self.socket_path = path / "control.sock"

    @property
    def exists(self) -> bool:
        """Whether a session was begun here."""
        return self.settings_path.exists()

    @property
    def missing(self) -> RunError:
        """What to raise where there is no session here."""
        return missing(self.path, "paper session")

    def begin(self, settings: PaperSettings) -> None:
        """Keep the settings of a new session; it exists from then on.

        Raises:
            RunError: the folder cannot be written.
        """
        with self._writable():
            write_text(self.settings_path, paper_settings.dumps(settings))
            flush(self.path)

    def settings(self) -> PaperSettings:
        """What the session was begun with."""
        if not self.exists:
            raise self.missing
        return paper_settings.load(self.settings_path)

    @contextmanager
    def held(self) -> Iterator[None]:
        """This process alone trades here; the folder is made if missing, and goes if not used.

        Raises:
            RunError: another process does, or the folder holds something else or cannot be written.
            OSError: something in it is a link, or no file.
        """
        require_room(self.path, "paper session")
        with ExitStack() as stack:
            try:
                with self._writable():
                    if not self.path.is_dir():
                        self.path.mkdir(parents=True)
                        stack.callback(self._leave_nothing)
                    stack.enter_context(locked(self.lock_path))
            except BlockingIOError as error:
                raise RunError(
                    f"{self.path} is being traded by process {error}. Stop that one first, or "
                    "choose another --run."
                ) from error
            require_plain(self.path, but=self.socket_path.name)
            yield

    def _leave_nothing(self) -> None:
        """Remove a folder in which no session was begun after all."""
        if not self.exists:
            self.lock_path.unlink(missing_ok=True)
            with suppress(OSError):  # somebody put something there
                self.path.rmdir()

    def last_journaled(self) -> dict[str, Any] | None:
        """The last numbered event in the journal, if there is one; torn lines count for nothing."""
        if not self.journal_path.exists():
            return None
        with reader(self.journal_path) as file:
            file.seek(max(self.journal_path.stat().st_size - _TAIL_BYTES, 0))
            numbered = (event for event in journal.events(file) if journal.number(event) > 0)
            return max(numbered, key=journal.number, default=None)

    @contextmanager
    def writing(self, path: Path) -> Iterator[None]:
        """Says what to do where `path`, of this folder, cannot be written.

        Raises:
            RunError: it cannot.
        """
        try:
            yield
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            reason = "the disk is full" if full else f"it cannot be written ({error.strerror})"
            raise RunError(
                f"{path}: {reason}. Nothing is lost: make room or make it writable, and start "
                "again."
            ) from error

    @contextmanager
    def _writable(self) -> Iterator[None]:
        try:
            yield
        except BlockingIOError:
            raise
        except OSError as error:
            raise RunError(
                f"{self.path} cannot be written ({error.strerror}). Make it writable, or choose "
                "another --run."
            ) from error
