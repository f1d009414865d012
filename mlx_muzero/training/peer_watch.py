"""Detects that a peer is gone while MLX waits for it.

MLX raises an error when a connection breaks, but not always (0.32.4): work queued at that very
moment waits forever. So a thread watches the connections, too.
"""

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from mlx_muzero.processes.supervision import Supervisor

_Result = TypeVar("_Result")

_LOOK_EVERY_S = 0.5
_GRACE_S = 3.0
"""How long MLX may take to notice by itself."""


def opened_by(connect: Callable[[], _Result]) -> tuple[_Result, list[socket.socket]]:
    """Call `connect`; return its result and the connections it left open."""
    before = _descriptors()
    result = connect()
    found = []
    for descriptor in sorted(_descriptors() - before):
        with suppress(OSError):
            connection = socket.socket(fileno=os.dup(descriptor))
            connection.getpeername()
            found.append(connection)
    return result, found


class PeerWatch:
    """Calls `gone`, in its own thread, if a wait lasts although a peer has hung up.

    If the thread itself fails, the next wait raises its error.
    """

    def __init__(self, connections: list[socket.socket], gone: Callable[[], None]) -> None:
        self._connections = connections
        self._gone = gone
        self._waits = 0
        self._waiting = False
        self._supervisor = Supervisor()
        self._supervisor.thread("peer watch", self._look)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Mark that this process is waiting for its peers."""
        self._supervisor.check()
        self._waits += 1
        self._waiting = True
        try:
            yield
        finally:
            self._waiting = False

    def _look(self) -> None:
        while True:
            time.sleep(_LOOK_EVERY_S)
            if self._waiting and any(map(_hung_up, self._connections)):
                wait = self._waits
                time.sleep(_GRACE_S)
                if self._waiting and self._waits == wait:
                    self._gone()
                    return


def _hung_up(connection: socket.socket) -> bool:
    try:
        return not connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True


def _descriptors() -> set[int]:
    return {int(path.name) for path in Path("/dev/fd").iterdir()}
