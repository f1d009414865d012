"""Where an account came from and went, so that two processes do not trade it by accident."""

import json
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mlx_muzero.errors import RunError
from mlx_muzero.files.regular import read_text, write_text
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.runlog.lock import lock_holder
from mlx_muzero.untrusted.json_values import parsed
from mlx_muzero.untrusted.shapes import Malformed, count, record, text, time_ns
from mlx_muzero.words import command


@dataclass(frozen=True)
class Origin:
    """An account at one moment: where and when.

    Attributes:
        host: name of the machine.
        path: absolute path of the session's folder there.
        time: when its backup was made, UTC, as ISO 8601.
        event: number of its last event.
        close_ns: end of its last minute.
    """

    host: str
    path: str
    time: str
    event: int
    close_ns: int

    def __str__(self) -> str:
        return f"{self.host}:{self.path} as it was at event {self.event} ({self.time})"

    @classmethod
    def parse(cls, facts: Any) -> "Origin":
        """Parse from JSON.

        Raises:
            Malformed: something is missing or of the wrong kind.
        """
        return cls(**{name: _SHAPE(facts)[name] for name in _FIELDS})

    def keep(self, folder: PaperFolder) -> None:
        """Record in `folder` that its session was restored from here."""
        write_text(folder.origin_path, json.dumps(asdict(self), indent=1))

    def require_still(self, folder: PaperFolder) -> None:
        """Refuse if the account is still traded where it came from, as far as can be seen here.

        Raises:
            RunError: it is.
        """
        there = Path(self.path)
        if self.host != platform.node() or there == folder.path.absolute():
            return
        pid = lock_holder(there / "lock")
        if pid is not None:
            raise RunError(
                f"{folder.path} was restored from {self}, which process {pid} is trading: the "
                "account would be traded twice. Stop that process first: "
                + command("paper", "stop", self.path)
            )


def _printable(value: Any) -> str:
    if not text(value).isprintable():
        raise Malformed("a text that can be printed")
    return text(value)


_FIELDS = {
    "host": _printable, "path": _printable, "time": _printable, "event": count, "close_ns": time_ns
}  # fmt: skip
_SHAPE = record(_FIELDS)


def origin_of(folder: PaperFolder) -> Origin | None:
    """Where the session in `folder` was restored from; None if it started here.

    Raises:
        RunError: the record in the folder cannot be read.
    """
    if not folder.origin_path.exists():
        return None
    try:
        return Origin.parse(parsed(read_text(folder.origin_path)))
    except (OSError, ValueError) as error:
        raise RunError(
            f"{folder.origin_path} cannot be read ({error}). It records where this account came "
            "from; remove it if nothing is trading there."
        ) from error


def mark_moved(folder: PaperFolder, backup: Path, time: str) -> None:
    """Record in `folder` that its account continues elsewhere, from `backup`."""
    write_text(folder.moved_path, json.dumps({"backup": str(backup.absolute()), "time": time}))


def require_here(folder: PaperFolder) -> None:
    """Refuse if the account in `folder` has moved away.

    Raises:
        RunError: it has; the message says how to get it back.
    """
    if folder.moved_path.exists():
        raise RunError(
            f"{folder.path} was moved away: its account continues from a backup, and would be "
            f"traded twice. {folder.moved_path.name} there says which and when; remove that "
            "file only if "
            "the backup was never restored."
        )
