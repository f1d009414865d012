"""Checks of ``mlx-muzero doctor --mac``: what computes, and the system under it."""

import fcntl
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import get_args

import mlx.core as mx
import numpy as np

from mlx_muzero import _core
from mlx_muzero.backends.mlx import MlxEvaluator
from mlx_muzero.backends.native import NativeEvaluator
from mlx_muzero.config.choices import ExpansionMode, Precision, Root
from mlx_muzero.machine import peak_memory_mb, performance_cores
from mlx_muzero.profiling.ane_lab import Lab
from mlx_muzero.profiling.energy import find_sampler, measure_energy
from mlx_muzero.profiling.mac_checks import ROOTS, DoesNotHold, Unavailable, expansion, model_of
from mlx_muzero.runlog.folders import flush
from mlx_muzero.search import Leaves, Search, SearchParams, SearchResult
from mlx_muzero.search.hash_evaluator import HashEvaluator
from mlx_muzero.search.reference_search import ReferenceSearch
from mlx_muzero.types import F32, I32

SIMULATIONS = 50
KERNELS = ("baseline", "sme")
"""Those of NEON and of the matrix unit."""
GPU = mx.gpu
SECONDS = 3.0
"""For how long power is measured, at rest and at work."""


def same_trees(lab: Lab) -> str:
    """Search the same roots with the C++ core and with its reference, under every rule.

    Raises:
        DoesNotHold: they differ.
    """
    for mode, root in product(get_args(ExpansionMode), get_args(Root)):
        params = SearchParams(num_simulations=SIMULATIONS, expansion=mode, root=root)
        found, wanted = _searched_twice(params, lab.subject.table.next_position)
        for name in ("visits", "value", "q", "policy", "action"):
            if not np.array_equal(getattr(found, name), getattr(wanted, name)):
                raise DoesNotHold(f"{name} of {mode} with {root} differ from the reference's")
    return f"{4 * ROOTS} trees of {SIMULATIONS} simulations"


def _searched_twice(params: SearchParams, positions: I32) -> tuple[SearchResult, SearchResult]:
    """What the C++ core and its reference find from the same roots."""
    states, position = np.arange(ROOTS, dtype=np.uint64), np.zeros(ROOTS, np.int32)
    network, outcomes = HashEvaluator(positions.shape[1], 3), 3
    prior, value = network.prediction(states)
    noise = params.root == "gumbel"  # the reference draws no other
    core = Search(params, positions, outcomes)
    found = core.run(network, states, prior, value, position, states, noise)
    twin = ReferenceSearch(params, positions, outcomes)
    twin.reset(prior, value, position, gumbel_seed=states if noise else None)
    network.reset(states, twin.root_slots(), twin.capacity)
    while (leaves := twin.select()) is not None:
        if isinstance(leaves, Leaves):
            twin.backup(network.expand(leaves))
        else:
            twin.backup(network.expand_single(leaves))
    return found, twin.result()


def native_products(lab: Lab) -> str:
    """Evaluate the same leaves with `native` and with MLX's CPU backend, `native` twice.

    Raises:
        DoesNotHold: they differ by more than 1e-4 of the scale, or `native` from itself.
    """
    model = model_of(lab)
    with mx.stream(mx.cpu):
        wanted = expansion(MlxEvaluator(model), model)
    native = NativeEvaluator(model, _core.kernels()[0])
    found, again = expansion(native, model), expansion(native, model)
    if any(not np.array_equal(one, other) for one, other in zip(found, again, strict=True)):
        raise DoesNotHold("the same call gave other bits the second time")
    return _within(found, wanted, 1e-4)


def same_kernels(lab: Lab) -> str:
    """Evaluate the same leaves with `KERNELS`, in every precision.

    Raises:
        DoesNotHold: they differ.
        Unavailable: this machine has not got them.
    """
    if missing := set(KERNELS) - set(_core.kernels()):
        raise Unavailable(f"no kernels for {', '.join(missing)} here: an M4 or later has SME")
    model = model_of(lab)
    for precision in get_args(Precision):
        one, other = (expansion(NativeEvaluator(model, each, precision), model) for each in KERNELS)
        if any(not np.array_equal(a, b) for a, b in zip(one, other, strict=True)):
            raise DoesNotHold(f"they differ in {precision}; set MLX_MUZERO_KERNELS={KERNELS[0]}")
    return "the same in every precision"


def same_on_the_gpu(lab: Lab) -> str:
    """Evaluate the same leaves with MLX on the GPU and on the CPU.

    Raises:
        DoesNotHold: there is no GPU, or they differ by more than 1 % of the scale.
    """
    model = model_of(lab)
    if mx.default_device().type != GPU:
        raise DoesNotHold(f"MLX computes on {mx.default_device()}, not on the GPU")
    found = expansion(MlxEvaluator(model), model)
    with mx.stream(mx.cpu):
        return _within(found, expansion(MlxEvaluator(model), model), 0.01)


def _within(found: list[F32], wanted: list[F32], bound: float) -> str:
    """The largest difference as a share of an output's scale, or of 1 if that is more.

    Raises:
        DoesNotHold: it is beyond `bound`.
    """
    worst = max(
        float(np.abs(one - other).max() / max(1.0, np.abs(other).max()))
        for one, other in zip(found, wanted, strict=True)
    )
    if not worst <= bound:
        raise DoesNotHold(f"off by {worst:.2g} of the scale; {bound:g} is allowed")
    return f"off by at most {worst:.2g} of the scale"


def threads_pay(lab: Lab) -> str:
    """Time the same searches on one thread and on as many as there are performance cores.

    Raises:
        DoesNotHold: those are not at least half as many times faster.
    """
    cores, everywhere = performance_cores(), os.cpu_count() or 1
    if not 1 <= cores <= everywhere:
        raise DoesNotHold(f"{cores} performance cores of {everywhere} cores")
    one, many = (_search_seconds(lab, threads) for threads in (1, cores))
    found = f"{cores} threads search {one / many:.1f} times as fast as one"
    if one / many < cores / 2:
        raise DoesNotHold(f"{found}; at least {cores / 2:g} times was expected of idle cores")
    return found


def _search_seconds(lab: Lab, threads: int) -> float:
    """Median time of a search of many roots."""
    model = model_of(lab)
    roots = 8 * ROOTS
    random = np.random.default_rng(0)
    prior = random.dirichlet(np.ones(model.actions), roots).astype(np.float32)
    value, position = np.zeros(roots, np.float32), np.zeros(roots, np.int32)
    latents = mx.array(random.random((roots, model.config.latent_width), np.float32))
    seeds = np.arange(roots, dtype=np.uint64)
    params = SearchParams(num_simulations=SIMULATIONS)
    search = Search(params, lab.subject.table.next_position, model.outcomes, threads)
    evaluator = NativeEvaluator(model)

    def once() -> float:
        began = time.perf_counter()
        search.run(evaluator, latents, prior, value, position, seeds, False)
        return time.perf_counter() - began

    return statistics.median(once() for _ in range(5))


def full_flush(lab: Lab) -> str:
    """Flush a file and its folder for good, where runs and accounts do.

    Raises:
        DoesNotHold: this Python cannot.
        OSError: the drive refuses.
    """
    if not hasattr(fcntl, "F_FULLFSYNC"):
        raise DoesNotHold("this Python knows no F_FULLFSYNC")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "file")
        file.write_bytes(b"x" * 4096)
        began = time.perf_counter()
        flush(file)
        flush(Path(folder))
    return f"a file and its folder in {1e3 * (time.perf_counter() - began):.1f} ms"


def memory_units(lab: Lab) -> str:
    """Read this process's peak memory.

    Raises:
        DoesNotHold: it is less than Python and MLX need, or more than there is.
    """
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e6
    if not 20 < peak_memory_mb() < there:
        raise DoesNotHold(f"{peak_memory_mb():,.3f} MB, on a machine with {there:,.0f} MB")
    return f"{peak_memory_mb():,.0f} MB so far"


def power_reported(lab: Lab) -> str:
    """Sample the machine's power at rest and while searching.

    Raises:
        Unavailable: macmon is not installed.
        DoesNotHold: it gave too few samples, no power of the machine, or more at rest than at work.
    """
    sampler = find_sampler()
    if sampler is None or sampler.command[0] != "macmon":
        raise Unavailable("macmon is not installed: brew install macmon")
    work = _work(lab)
    found = measure_energy(sampler, lambda: next(work), ROOTS, SECONDS)
    if found is None:
        raise DoesNotHold("macmon gave too few samples")
    if found.system_w is None or found.idle_w is None:
        raise DoesNotHold("macmon gave no sys_power, which its version 0.4 and later have")
    words = f"{found.idle_w:.2f} W at rest, {found.system_w:.2f} W at work"
    if not 0.0 < found.idle_w < found.system_w:
        raise DoesNotHold(words)
    return words


def _work(lab: Lab) -> Iterator[None]:
    model = model_of(lab)
    evaluator = NativeEvaluator(model)
    while True:
        expansion(evaluator, model)
        yield
