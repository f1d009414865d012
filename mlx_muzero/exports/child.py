"""A child process that runs exported programs, as seen from its parent."""

import os
import subprocess
import tempfile
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO

import numpy as np

from mlx_muzero.errors import ExportError
from mlx_muzero.exports.buffers import Buffers, allocate, size_bytes
from mlx_muzero.exports.deployment import USUAL_LIMITS, Limits
from mlx_muzero.exports.manifest import ProgramEntry
from mlx_muzero.exports.program import ComputeUnits, Engine
from mlx_muzero.exports.protocol import Job
from mlx_muzero.processes.child_module import END_S, forget_words, how_it_ended, spawn
from mlx_muzero.types import F32

CHATTER = ("ODIE [",)
"""What Core AI's runtime says on stderr when all is well starts with this."""


class ChildLost(Exception):
    """A child process can no longer be used.

    Attributes:
        curable: whether another child may do better because this one died or hung. One that cannot
            load, or answers wrongly, would do so again.
    """

    def __init__(self, reason: str, *, curable: bool) -> None:
        super().__init__(reason)
        self.curable = curable


class Child:
    """A process with loaded programs that answers one request at a time.

    It ends when it is lost, when `end` is called, when this object is deleted, or with this
    process.
    """

    def __init__(
        self,
        folder: Path,
        programs: Sequence[ProgramEntry],
        engine: Engine,
        compute_units: ComputeUnits,
        limits: Limits = USUAL_LIMITS,
        loader: str | None = None,
    ) -> None:
        """Start the process and wait until it has loaded `programs` of the export in `folder`.

        Raises:
            ChildLost: it failed to; the message says why.
        """
        self._limits = limits
        self._channel, channel = Pipe()
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115
        memory = allocate(size_bytes(programs))
        job = Job(
            folder=str(folder),
            programs=[program.key for program in programs],
            engine=engine,
            compute_units=compute_units,
            loader=loader,
            channel=channel.fileno(),
            memory=memory,
            load_s=limits.load_s,
            answer_s=limits.answer_s,
        )
        try:
            self._buffers = Buffers(memory, programs)
            self._process = spawn(
                "mlx_muzero.exports.worker",
                job.to_argument(),
                self._stderr,
                (job.channel, job.memory),
            )
        except OSError as error:
            raise ChildLost(f"it cannot be started: {error}", curable=False) from error
        finally:
            os.close(memory)
            channel.close()
        self.end = weakref.finalize(self, _end, self._process, self._channel, self._stderr)
        """Ends the process at once; does nothing when called again."""
        slow = ChildLost(f"its programs did not load within {limits.load_s:g} s", curable=False)
        with self._ended_on_failure():
            self._await_answer(limits.load_s, slow)

    @property
    def pid(self) -> int:
        """Process ID."""
        return self._process.pid

    def call(self, program: str, inputs: Mapping[str, F32]) -> dict[str, F32]:
        """Run the program with that key; return copies of its outputs, which are finite.

        Raises:
            ChildLost: it died, hung or answered wrongly, now or earlier.
            ExportError: an input has the wrong shape.
        """
        if not self.end.alive:
            raise ChildLost("it was ended", curable=True)
        limit_s = self._limits.answer_s
        slow = ChildLost(f"{program} did not answer within {limit_s:g} s", curable=True)
        for name, view in self._buffers.inputs[program].items():
            if inputs[name].shape != view.shape:
                shape = inputs[name].shape
                raise ExportError(f"{program}: input {name} is {shape}, wanted {view.shape}")
            np.copyto(view, inputs[name])
        forget_words(self._stderr)
        with self._ended_on_failure():
            self._channel.send_bytes(program.encode())
            self._await_answer(limit_s, slow)
            outputs = {name: view.copy() for name, view in self._buffers.outputs[program].items()}
            for name, array in outputs.items():
                if not np.isfinite(array).all():
                    reason = f'{program}: output "{name}" holds NaN or infinity'
                    raise ChildLost(reason, curable=False)
        return outputs

    def _await_answer(self, limit_s: float, slow: ChildLost) -> None:
        if not self._channel.poll(limit_s):
            raise slow
        failure = self._channel.recv_bytes().decode(errors="replace")
        if failure:
            raise ChildLost(failure, curable=False)

    @contextmanager
    def _ended_on_failure(self) -> Iterator[None]:
        """End the process if the block fails: a late answer would be taken for the next one."""
        try:
            yield
        except (EOFError, OSError) as error:
            reason = how_it_ended(self._process, self._stderr, CHATTER)
            self.end()
            raise ChildLost(reason, curable=True) from error
        except BaseException:
            self.end()
            raise


def _end(process: "subprocess.Popen[bytes]", channel: Connection, stderr: IO[bytes]) -> None:
    process.kill()
    with suppress(subprocess.TimeoutExpired):  # a driver may hold on to a killed process
        process.wait(END_S)
    channel.close()
    stderr.close()
