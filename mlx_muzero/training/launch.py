"""Starts the processes of a distributed training and finds out how it ended.

`mlx.launch` exits 0 even if its workers fail, so the result is taken from the run's journal.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Literal

import mlx.core as mx

from mlx_muzero.errors import ConfigError, RankLost, RunError
from mlx_muzero.processes.stop_signals import stop_signals
from mlx_muzero.runlog import journal
from mlx_muzero.training.run import RunFolder

_RANK_VARIABLES = ("MLX_RANK", "OMPI_COMM_WORLD_RANK")
"""Environment variables in which mlx.launch and Open MPI pass the rank."""

_PIPE_FULL = b"\n" * 2**16
"""What fills the stdin of each rank, which reads none of it.

While a rank could take input, mlx.launch asks over and over whether there is any, and keeps a core
busy. Over ssh, a terminal would print it.
"""

_ENDS = ("finished", "stopped", "rank_lost", "diverged")


def launched() -> bool:
    """Whether this process was launched as one of several."""
    return any(name in os.environ for name in _RANK_VARIABLES)


RankBackend = Literal["ring", "jaccl", "jaccl-ring"]
"""How ranks talk: over TCP, or by RDMA over Thunderbolt, each cabled to each or in a ring."""


def require_rank_backend(backend: RankBackend, hosts: Path | None) -> None:
    """Check that ranks can talk in this way here.

    Raises:
        ConfigError: they cannot.
    """
    if backend == "ring":
        return
    if hosts is None:
        raise ConfigError(
            f"--backend {backend} is for several Macs: name them with --hostfile, the file that "
            f'"mlx.distributed_config --backend {backend} --over thunderbolt" writes'
        )
    if not mx.distributed.is_available("jaccl"):
        raise ConfigError(
            f"--backend {backend} needs RDMA, which this machine does not offer: Macs with "
            "Thunderbolt 5, macOS 26.2 or later, and RDMA enabled once in recovery mode with "
            '"rdma_ctl enable". Leave the option out to talk over TCP'
        )


def launch(
    folder: RunFolder,
    command: Sequence[str],
    ranks: int | None,
    hosts: Path | None,
    backend: RankBackend = "ring",
) -> str:
    """Run `command` on every rank and wait; return "finished" or "stopped".

    Ctrl-C is passed to the first rank, which stops all ranks.

    Args:
        folder: folder of the run, written by the first rank, on this machine.
        command: what each rank runs; its program is an absolute path on every machine.
        ranks: number of processes on this machine, if there are no `hosts`.
        hosts: hostfile of `mlx.distributed_config`, this machine first.
        backend: how the ranks talk.

    Raises:
        ConfigError: they cannot talk in this way here.
        RankLost: the training ended in any other way.
        RunError: mlx.launch is not installed.
    """
    require_rank_backend(backend, hosts)
    launcher = Path(sys.executable).with_name("mlx.launch")
    if not launcher.exists():
        raise RunError(f"{launcher} is missing: reinstall mlx in this environment.")
    where = ["-n", str(ranks)] if hosts is None else ["--hostfile", str(hosts)]
    before = _events(folder)
    # A new session, because Ctrl-C in the terminal would reach every rank, and mlx.launch kills.
    running = subprocess.Popen(
        [str(launcher), "--backend", backend, *where, "--", *command],
        stdin=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,
    )
    assert running.stdin is not None
    # Open until the end, because mlx.launch does not stop asking for more at the end of its input.
    with _passing_on_signals(folder), running.stdin as unread:
        if hosts is None:
            with suppress(BrokenPipeError):  # it ended already
                unread.write(_PIPE_FULL)
        running.wait()
    ended = [event for event in _events(folder)[len(before) :] if event in _ENDS]
    if ended and ended[-1] in ("finished", "stopped"):
        return ended[-1]
    newest = folder.checkpoints.latest()
    kept = "no checkpoint was written yet" if newest is None else f"{newest.name} is kept"
    raise RankLost(
        "the distributed training did not finish: "
        f"{f'the journal says {ended[-1]}' if ended else 'a process ended without a message'}; "
        f"{kept}. See the "
        "ranks' output above; resume with --resume."
    )


def _events(folder: RunFolder) -> list[str]:
    if not folder.journal_path.exists():
        return []
    return [event["event"] for event in journal.read(folder.journal_path)]


@contextmanager
def _passing_on_signals(folder: RunFolder) -> Iterator[None]:
    def pass_on(number: int, _frame: FrameType | None) -> None:
        if (first := folder.holder()) is not None:
            os.kill(first, number)

    handlers = {number: signal.signal(number, pass_on) for number in stop_signals()}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
