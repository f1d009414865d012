"""Whether a process is running."""

import os


def is_running(pid: int) -> bool:
    """Whether there is a process of that number, of this user or another."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
