"""Whether a process holds a run folder, without disturbing one that is about to."""

from pathlib import Path

from mlx_muzero.processes.running import is_running
from mlx_muzero.runlog.lock import lock_holder, locking_process


def holder(folder: Path) -> int | None:
    """Process number of who holds the `lock` of a run folder; None if nobody does.

    The lock is tried only where the process it names is alive: then it almost surely is held, and
    one that begins in this moment, with a dead one's number in the file, is not kept from it.
    """
    path = folder / "lock"
    pid = locking_process(path)
    return lock_holder(path) if pid is not None and is_running(pid) else None
