"""Whether a process holds a run folder, without disturbing one that is about to."""

import fcntl
import os
from pathlib import Path

from mlx_muzero.files.regular import reader
from mlx_muzero.runlog.folders import MOST_LOCK_BYTES, lock_number


def holder(folder: Path) -> int | None:
    """Process number of who holds the `lock` of a run folder; None if nobody does.

    The lock is tried only where the process it names is alive: then it almost surely is held, and
    one that begins in this moment, with a dead one's number in the file, is not kept from it.
    """
    try:
        with reader(folder / "lock") as lock:
            pid = lock_number(lock.read(MOST_LOCK_BYTES))
            if pid is None or not _alive(pid):
                return None
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return None
    except BlockingIOError:
        return pid
    except OSError:
        return None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
