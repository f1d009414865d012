"""The child process that runs exported programs: ``python -m mlx_muzero.exports.worker JOB``.

Apple's frameworks may crash or hang the process that calls them, and coremltools holds Python's
lock while it works; here neither reaches the search. See `mlx_muzero.exports.protocol` for the
protocol, and `mlx_muzero.exports.child` for the other side.

It exits when the parent closes the channel or dies. If it hangs just then, the system's timer ends
it, which needs neither Python's lock nor a parent.
"""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from mlx_muzero.errors import MuZeroError
from mlx_muzero.exports.buffers import Buffers, Tensors
from mlx_muzero.exports.loading import loader_named, loader_of
from mlx_muzero.exports.manifest import Manifest, ProgramEntry
from mlx_muzero.exports.program import Program
from mlx_muzero.exports.protocol import Job

GRACE_S = 2.0
"""How much longer than the parent this process waits before it ends itself."""

_ERROR_BYTES = 2000


def main(job: Job) -> None:
    """Load the programs of `job` and answer requests until the parent is gone."""
    channel: Connection[bytes, bytes] = Connection(job.channel)
    with suppress(EOFError, ConnectionError):
        try:
            with _timer(job.load_s):
                entries, programs = _load(job)
        except Exception as error:
            channel.send_bytes(_error_bytes(error))
            return
        channel.send_bytes(b"")
        buffers = Buffers(job.memory, entries)
        while True:
            key = channel.recv_bytes().decode()
            try:
                with _timer(job.answer_s):
                    _answer(programs[key](buffers.inputs[key]), buffers.outputs[key])
                answer = b""
            except Exception as error:
                answer = _error_bytes(error)
            channel.send_bytes(answer)


def _load(job: Job) -> tuple[list[ProgramEntry], dict[str, Program]]:
    """Load the programs of `job`; also return their manifest entries."""
    folder = Path(job.folder)
    manifest = Manifest.load(folder)
    entries = [e for e in manifest.programs if e.key in job.programs]
    load = loader_named(job.loader or loader_of(manifest.export_format))
    return entries, {e.key: load(folder, e, job.engine, job.compute_units) for e in entries}


def _answer(got: Tensors, wanted: Tensors) -> None:
    """Copy the outputs a program `got` to where the parent wants them.

    Raises:
        ValueError: an output is missing or has another shape, such as a batch of one.
    """
    for name, view in wanted.items():
        shape = got[name].shape if name in got else "missing"
        if shape != view.shape:
            raise ValueError(f'output "{name}" is {shape}, expected {view.shape}')
        np.copyto(view, got[name])


def _error_bytes(error: Exception) -> bytes:
    """The error message, short enough to be sent at once."""
    kind = "" if isinstance(error, MuZeroError) else f"{type(error).__name__}: "
    return f"{kind}{error}".encode()[:_ERROR_BYTES]


@contextmanager
def _timer(limit_s: float) -> Iterator[None]:
    """Make the system end this process if the block takes much longer than `limit_s`."""
    signal.setitimer(signal.ITIMER_REAL, limit_s + GRACE_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)


if __name__ == "__main__":
    # A parent may have ignored the timer's signal, and that is inherited.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    main(Job.from_argument(sys.argv[1]))
