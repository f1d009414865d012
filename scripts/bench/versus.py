"""Compares our search with another library's: same networks, roots, simulations, one thread.

A peer needs packages that do not go with ours, so it runs under a Python of its own, in a process
that waits while we search and searches while we wait. Either times its own search, from its first
simulation to its visits. Ours follows mctx's rules and grows mctx's trees; LightZero's rules
differ, and its chance outcomes are drawn from a generator that cannot be seeded.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np

from bench.networks import OUTCOMES, Roots, recurrent_weights
from bench.timing import by_turns, median_ratio, timed
from bench.worker import Worker, working
from mlx_muzero.backends.native import NativeEvaluator
from mlx_muzero.config.choices import Precision
from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.search import Search, SearchParams

ROOTS, SIMULATIONS = 16, 50
PARAMS = SearchParams(
    num_simulations=SIMULATIONS,
    depth_limit=2 * SIMULATIONS,
    expansion="single_outcome",
    compatibility="mctx",
)
ONE_THREAD = {
    "JAX_PLATFORMS": "cpu",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
SEARCHES = 5
"""Calls in a row per turn: the first one finds the caches full of the other library's data."""
SAME_NETWORK = 1e-4
"""How much root values may differ between two libraries, relative to the largest."""


@dataclass(frozen=True)
class Peer:
    """Another library's search.

    Attributes:
        module: that runs it.
        imports: what must be installed.
        install: arguments for pip, one call of it each.
        comparable: whether it can find our visits.
    """

    module: str
    imports: str
    install: tuple[str, ...]
    comparable: bool


PEERS = {
    "mctx": Peer("peers.mctx", "mctx, jax", ("mctx 'jax[cpu]'",), True),
    "lightzero": Peer(
        "peers.lightzero",
        "lzero, torch, easydict",
        ("torch 'numpy<2' easydict", "--no-deps LightZero==0.2.0"),
        False,
    ),
}


@dataclass(frozen=True)
class PeerRate:
    """Results, medians over the rounds.

    Attributes:
        peer: with the versions of what it needs.
        decisions_per_s: the peer's.
        ours: our decisions per second in the same rounds.
        times: ours over the peer's.
        cores: CPU seconds of the peer's process in a second of its search.
        same_visits: share of the roots with our visits; None where rules or precisions differ.
    """

    peer: str
    decisions_per_s: float
    ours: float
    times: float
    cores: float
    same_visits: float | None


class PeerMissingError(Exception):
    """A peer cannot be imported; the message says how to install it."""


def measure(
    model: StochasticMuZero,
    name: str,
    python: str,
    rounds: int,
    precision: Precision = "float32",
) -> PeerRate:
    """Measure our search and the peer `name` in turns, the peer with the interpreter `python`.

    Raises:
        PeerMissingError: the peer is not installed for `python`.
        RuntimeError: its network gives other values than ours.
    """
    peer, roots = PEERS[name], Roots.of(model, ROOTS)
    _require_installed(name, peer, python)
    actions = roots.prior.shape[1]
    search = Search(PARAMS, np.zeros((1, actions), np.int32), OUTCOMES)
    evaluator = NativeEvaluator(model, precision=precision)
    latents, zeros = mx.array(roots.latent), np.zeros(ROOTS, np.int32)

    def ours() -> Any:
        return search.run(evaluator, latents, roots.prior, roots.value, zeros, zeros, noise=False)

    with _running(peer, python, model, roots) as (about, worker):
        apart = np.abs(np.array(about["value"]) - roots.value).max()
        if apart > SAME_NETWORK * np.abs(roots.value).max():
            raise RuntimeError(f"{name}'s network differs from ours by {apart} in a root's value")
        answers: list[dict[str, Any]] = []

        def theirs() -> float:
            turn = [worker.ask() for _ in range(SEARCHES)]
            answers.extend(turn)
            return statistics.mean(float(answer["seconds"]) for answer in turn)

        seconds = by_turns({"ours": timed(ours, SEARCHES), "theirs": theirs}, rounds)
    same = (np.array(answers[-1]["visits"]) == ours().visits).all(axis=1).mean()
    return PeerRate(
        ", ".join(f"{package} {version}" for package, version in about["versions"].items()),
        ROOTS / statistics.median(seconds["theirs"]),
        ROOTS / statistics.median(seconds["ours"]),
        median_ratio(seconds["theirs"], seconds["ours"]),
        statistics.median(answer["cores"] for answer in answers),
        float(same) if peer.comparable and precision == "float32" else None,
    )


def _require_installed(name: str, peer: Peer, python: str) -> None:
    tried = subprocess.run([python, "-c", f"import {peer.imports}"], capture_output=True)
    if tried.returncode != 0:
        how = " && ".join(f"{python} -m pip install {packages}" for packages in peer.install)
        raise PeerMissingError(f"{name} is not installed for {python}; install it there: {how}")


def _keep_to_one_core() -> None:
    """Keep the peer to one core: XLA ignores the variables that ask for one thread."""
    if sys.platform == "linux":
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


@contextmanager
def _running(
    peer: Peer, python: str, model: StochasticMuZero, roots: Roots
) -> Iterator[tuple[dict[str, Any], Worker]]:
    """What the peer says of itself, and its process, which searches once when asked."""
    with tempfile.TemporaryDirectory() as folder:
        task = Path(folder) / "task.npz"
        arrays: dict[str, Any] = {
            f"w.{name}": array for name, array in recurrent_weights(model).items()
        }
        np.savez(
            task,
            latent=roots.latent,
            prior=roots.prior,
            value=roots.value,
            simulations=SIMULATIONS,
            discount=PARAMS.discount,
            **arrays,
        )
        alone = {"env": os.environ | ONE_THREAD, "preexec_fn": _keep_to_one_core}
        with working(python, ["-m", peer.module, str(task)], **alone) as worker:
            yield worker.answer(), worker
