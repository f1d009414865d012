"""Files of the cache folder, which several processes may write at the same time."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlx_muzero.files.regular import partial_of, write_text


def keep_json(path: Path, facts: Mapping[str, Any]) -> None:
    """Write `facts` to `path`, replacing anything there at once.

    What a process that was killed meanwhile left in the folder is removed.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _alone_in(path.parent):
        for left in path.parent.glob(partial_of(Path("*")).name):
            left.unlink(missing_ok=True)
        write_text(path, json.dumps(facts, indent=1))


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep other processes from writing files of `folder`; the end of this one frees it."""
    opened = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)
