"""The base of every folder in `runs/`: a mark of its contents, a journal, and a lock."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import ClassVar

from mlx_muzero.errors import RunError
from mlx_muzero.files.regular import require_plain, write_text
from mlx_muzero.runlog.folder_kinds import MARKS, Contents, missing, require_room, word_for
from mlx_muzero.runlog.folders import flush
from mlx_muzero.runlog.journal import JOURNAL
from mlx_muzero.runlog.lock import lock_holder, locked


class RunFolderBase:
    """A folder ``runs/<name>/``; its mark says that its contents exist.

    Attributes:
        contents: what folders of this class hold.
        doing: what a process that holds one does with it, as a past participle.
        unchecked: a name in it that need not be a regular file or folder.
        path: the folder, which need not exist.
    """

    contents: ClassVar[Contents]
    doing: ClassVar[str] = "used"
    unchecked: ClassVar[str] = ""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.mark_path = path / MARKS[self.contents]
        self.journal_path = path / JOURNAL
        self.lock_path = path / "lock"
        self.decisions_path = path / "decisions"

    @property
    def exists(self) -> bool:
        """Whether its contents exist."""
        return self.mark_path.exists()

    @property
    def missing(self) -> RunError:
        """The error to raise if they do not."""
        return missing(self.path, self.contents)

    def require_new(self) -> None:
        """Raise RunError if the folder already holds this, or something else."""
        require_room(self.path, self.contents)
        if self.exists:
            raise RunError(
                f"{self.path} already holds a {word_for(self.contents)}. Add --resume to resume "
                "it, or choose another --run."
            )

    def mark(self, text: str) -> None:
        """Write the mark, atomically and durably; call it last, when the contents exist.

        Raises:
            OSError: it cannot be written.
        """
        write_text(self.mark_path, text)
        flush(self.path)

    def holder(self) -> int | None:
        """The PID of the process that holds the folder, if any."""
        return lock_holder(self.lock_path)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder exclusively; the system releases it however the process ends.

        Raises:
            RunError: another process holds it, or it holds something else.
            OSError: something in it is a link, or not a regular file or folder.
        """
        require_room(self.path, self.contents)
        with ExitStack() as stack:
            try:
                self._occupy(stack)
            except BlockingIOError as error:
                raise RunError(
                    f"{self.path} is being {self.doing} by process {error}. Stop that process "
                    "first, or choose another --run."
                ) from error
            require_plain(self.path, but=self.unchecked)
            yield

    def _occupy(self, stack: ExitStack) -> None:
        """Create the folder if missing, and hold its lock until `stack` is closed."""
        self.path.mkdir(parents=True, exist_ok=True)
        stack.enter_context(locked(self.lock_path))
