"""The logs that processes write beside a run's journal: what they say while they work for it."""

import re
from collections.abc import Iterator
from pathlib import Path

from mlx_muzero.files.regular import require_folder

WATCH_LOG = "watch.log"
"""What `paper watch` says of a session."""

MEASURING_LOG = "auto-backend.log"
"""What the process says that exports and measures in the background what plays a run fastest."""

CANDIDATES = "candidates"
"""The folder of candidates, one folder each by its number, in that of a paper session."""

CANDIDATE_LOG = "log.txt"
"""What the process of a candidate says, in the candidate's folder."""

_CANDIDATE = re.compile(r"\d{4,9}")


def log_of(run: Path) -> Path:
    """Where the output of a process goes that runs `run` in the background."""
    return run.with_name(f"{run.name}.log")


def logs_of(run: Path) -> list[Path]:
    """The log of `run`, whether it exists or not, and then the others that do.

    They are that of the watch, that of the measurement in the background, and those of candidates,
    the newest first. Links are not followed.
    """
    others = [run / WATCH_LOG, run / MEASURING_LOG, *_of_candidates(run / CANDIDATES)]
    return [log_of(run), *(path for path in others if path.is_file() and not path.is_symlink())]


def _of_candidates(folder: Path) -> Iterator[Path]:
    try:
        require_folder(folder)
        named = [path for path in folder.iterdir() if _CANDIDATE.fullmatch(path.name)]
    except OSError:
        return
    for path in sorted(named, key=lambda path: int(path.name), reverse=True):
        if not path.is_symlink():
            yield path / CANDIDATE_LOG
