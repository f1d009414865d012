"""What every folder of `runs/` has: a mark that says what it holds, a journal, and one holder."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import ClassVar

from mlx_muzero.errors import RunError
from mlx_muzero.files.regular import require_plain, write_text
from mlx_muzero.runlog.folder_kinds import MARKS, Contents, missing, require_room, word_for
from mlx_muzero.runlog.folders import flush
from mlx_muzero.runlog.lock import lock_holder, locked


class RunFolderBase:
    """``runs/<name>/``: it is what it holds once its mark is there.

    Attributes:
        contents: what folders of this class hold.
        doing: what the process that holds one does with it, in the passive.
        unchecked: a name in it that need not be a file or folder.
        path: the folder; it need not exist.
    """

    contents: ClassVar[Contents]
    doing: ClassVar[str] = "used"
    unchecked: ClassVar[str] = ""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.mark_path = path / MARKS[self.contents]
        self.journal_path = path / "journal.jsonl"
        self.lock_path = path / "lock"
        self.decisions_path = path / "decisions"

    @property
    def exists(self) -> bool:
        """Whether what it should hold was begun here."""
        return self.mark_path.exists()

    @property
    def missing(self) -> RunError:
        """What to raise where it was not."""
        return missing(self.path, self.contents)

    def require_new(self) -> None:
        """RunError if this was begun here already, or something else."""
        require_room(self.path, self.contents)
        if self.exists:
            raise RunError(
                f"{self.path} already holds a {word_for(self.contents)}. Add --resume to resume "
                "it, or choose another --run."
            )

    def mark(self, text: str) -> None:
        """Write the mark, which makes the folder what it is: last, whole and durably.

        Raises:
            OSError: it cannot be written.
        """
        write_text(self.mark_path, text)
        flush(self.path)

    def holder(self) -> int | None:
        """Number of the process that holds it, if one does."""
        return lock_holder(self.lock_path)

    @contextmanager
    def held(self) -> Iterator[None]:
        """This process alone writes here; the system lets go of it however the process ends.

        Raises:
            RunError: another process holds the folder, or it holds something else.
            OSError: something in it is a link, or no file.
        """
        require_room(self.path, self.contents)
        with ExitStack() as stack:
            try:
                self._occupy(stack)
            except BlockingIOError as error:
                raise RunError(
                    f"{self.path} is being {self.doing} by process {error}. Stop that one first, "
                    "or choose another --run."
                ) from error
            require_plain(self.path, but=self.unchecked)
            yield

    def _occupy(self, stack: ExitStack) -> None:
        """Make the folder if missing, and take its lock until `stack` is closed."""
        self.path.mkdir(parents=True, exist_ok=True)
        stack.enter_context(locked(self.lock_path))
