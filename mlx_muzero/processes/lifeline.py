"""Ends a child process when its parent is gone, however that ended.

The child inherits the reading end of a pipe that nobody writes to. It is at its end once the
parent, which alone has the other, is no more.
"""

import os
import signal
import threading
import time


class Lifeline:
    """The parent's side.

    Attributes:
        descriptor: what the child inherits; `handed_over` closes it here.
    """

    def __init__(self) -> None:
        self.descriptor, self._held = os.pipe()

    def handed_over(self) -> None:
        """Close the child's end in this process, once the child has it."""
        os.close(self.descriptor)

    def close(self) -> None:
        """Let go of the child."""
        os.close(self._held)


def end_with_parent(descriptor: int, grace_s: float) -> None:
    """Once the parent of the lifeline `descriptor` is gone, end this process as by SIGTERM.

    After another `grace_s` seconds it ends in any case.
    """

    def watch() -> None:
        while os.read(descriptor, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(grace_s)
        os._exit(1)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
