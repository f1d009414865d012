"""Measures one target in its own process.

Loading, first calls and memory are only representative in a fresh process, and whatever Core ML
does to it does not affect other measurements.
"""

import os
import tempfile
import time
from collections.abc import Callable, Hashable, Mapping
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

import mlx.core as mx
import numpy as np

from mlx_muzero import _core
from mlx_muzero.agent.backend_choice import trained_precision
from mlx_muzero.backends import native
from mlx_muzero.config.choices import Precision
from mlx_muzero.evaluation.transformer_policy import ReactiveTransformer, Sizes, TransformerPolicy
from mlx_muzero.exports.deployment import COMPUTE_UNITS_VARIABLE
from mlx_muzero.kernel_choice import computing_with, contenders, kernels_to_use
from mlx_muzero.machine import peak_memory_mb
from mlx_muzero.market.observation.frames import market_feature_names
from mlx_muzero.processes.isolated_call import CallFailed, call_in_child
from mlx_muzero.profiling.energy import Energy, find_sampler, measure_energy
from mlx_muzero.profiling.figures import (
    BackendProfile,
    CallTimes,
    KernelTimes,
    PrecisionTimes,
    StepTimes,
)
from mlx_muzero.profiling.players import Player, player
from mlx_muzero.profiling.subject import Subject
from mlx_muzero.profiling.targets import Target
from mlx_muzero.trading.account_states import AccountStates

AKey = TypeVar("AKey", bound=Hashable)

LIMIT_S = 900.0
"""Time limit of one target; loading may compile for the Neural Engine."""


@dataclass(frozen=True)
class Effort:
    """What is measured, and for how long.

    Attributes:
        seconds: minimum time spent on each combination.
        batches: numbers of leaves per call.
        pairs: numbers of pairs to decide for together.
        simulations: numbers of simulations per pair; 0 is root inference alone.
        energy_s: seconds of decisions during which power is sampled; 0 for none.
    """

    seconds: float = 0.3
    batches: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64, 128, 256)
    pairs: tuple[int, ...] = (8, 16)
    simulations: tuple[int, ...] = (0, 25, 50)
    energy_s: float = 3.0


MIN_REPEATS, MAX_REPEATS = 5, 1000


def measure_in_child(subject: Subject, target: Target, effort: Effort) -> BackendProfile:
    """Measure `target` in another process; the result says why if that failed."""
    with tempfile.TemporaryDirectory() as folder:
        subject.save(Path(folder))
        arguments = {"folder": folder, "target": asdict(target), "effort": asdict(effort)}
        try:
            found = call_in_child("mlx_muzero.profiling.measure:measure_saved", arguments, LIMIT_S)
        except CallFailed as failed:
            return BackendProfile(target.name, failure=str(failed))
    return BackendProfile.from_dict(found)


def measure_saved(folder: str, target: dict[str, Any], effort: dict[str, Any]) -> dict[str, Any]:
    """Call `measure` on a saved subject, with JSON values; dedicates this process to the target."""
    chosen = Target(**target)
    if chosen.device is not None:
        mx.set_default_device(mx.Device(getattr(mx, chosen.device)))
    if chosen.units is not None:
        os.environ[COMPUTE_UNITS_VARIABLE] = chosen.units
    found = measure(Subject.load(Path(folder)), chosen, Effort(**effort))
    # Only now has the child of an export ended, so that it counts too.
    return asdict(replace(found, memory_mb=peak_memory_mb()))


def measure(subject: Subject, target: Target, effort: Effort) -> BackendProfile:
    """Measure times and energy of `target` in this process.

    Raises:
        MuZeroError: it cannot play here, or stopped playing.
    """
    if target.backend != "native":
        return _measure(subject, target, effort)
    times = _native_steps(subject, effort)
    fastest = {precision: _fastest(by_kernels) for precision, by_kernels in times.items()}
    with computing_with(fastest[trained_precision(subject.config.search)]):
        found = _measure(subject, target, effort)
    return replace(
        found,
        precisions=_precision_times({each: times[each][fastest[each]] for each in times}),
        kernels=_kernel_times(times) if len(contenders()) > 1 else (),
    )


def _measure(subject: Subject, target: Target, effort: Effort) -> BackendProfile:
    """Measure `target` as it is."""
    start = time.perf_counter()
    loaded = player(subject, target.backend)
    load_ms = 1e3 * (time.perf_counter() - start)
    with closing(loaded):
        calls = tuple(_calls(loaded, count, effort.seconds) for count in effort.batches)
        steps = tuple(
            _step_times(loaded.decider(pairs, simulations), pairs, simulations, effort.seconds)
            for pairs in effort.pairs
            for simulations in effort.simulations
        )
        energy = _energy(loaded, effort)
    reactive = _reactive(subject, effort) if target.backend == "mlx" else ()
    return BackendProfile(target.name, load_ms, calls, steps, reactive, energy=energy)


def _native_steps(subject: Subject, effort: Effort) -> dict[Precision, dict[str, float]]:
    """Median milliseconds of the native backend's largest step.

    By precision, and by the kernels that may be the fastest in it.
    """
    precisions, kernels = native.BACKEND.precisions, contenders()

    def loaded(precision: Precision, name: str) -> Player:
        with computing_with(name):
            return player(subject, "native", precision)

    players = {each: partial(loaded, *each) for each in product(precisions, kernels)}
    medians = _by_turns(players, effort)
    return {each: {name: medians[each, name] for name in kernels} for each in precisions}


def _fastest(p50_ms: Mapping[str, float]) -> str:
    """The kernels to use where steps take so long with each."""
    return kernels_to_use({kernels: 1.0 / ms for kernels, ms in p50_ms.items()}).name


def _kernel_times(times: Mapping[Precision, Mapping[str, float]]) -> tuple[KernelTimes, ...]:
    default = contenders()[0]
    return tuple(
        KernelTimes(
            precision,
            kernels,
            dict(_core.instructions(kernels))[precision],
            p50_ms,
            by_kernels[default] / p50_ms,
        )
        for precision, by_kernels in times.items()
        for kernels, p50_ms in by_kernels.items()
    )


def _precision_times(times: Mapping[Precision, float]) -> tuple[PrecisionTimes, ...]:
    return tuple(
        PrecisionTimes(each, p50_ms, times["float32"] / p50_ms) for each, p50_ms in times.items()
    )


def _by_turns(players: Mapping[AKey, Callable[[], Player]], effort: Effort) -> dict[AKey, float]:
    """Median milliseconds of the largest step of each player, which take turns."""
    pairs, simulations = max(effort.pairs), max(effort.simulations)
    times: dict[AKey, list[float]] = {each: [] for each in players}
    with ExitStack() as loaded:
        deciders = {
            each: loaded.enter_context(closing(load())).decider(pairs, simulations)
            for each, load in players.items()
        }
        for decide in deciders.values():
            decide()  # allocates the trees
        began = time.perf_counter()
        while (
            min(map(len, times.values())) < MIN_REPEATS
            or time.perf_counter() - began < len(times) * effort.seconds
        ):
            for each, decide in deciders.items():
                times[each] += _timed(decide, 0.0, 1)
    return {each: float(np.median(found)) for each, found in times.items()}


def _reactive(subject: Subject, effort: Effort) -> tuple[StepTimes, ...]:
    """Time decisions of the reactive Transformer on MLX's device."""
    return tuple(
        _step_times(_reaction(subject, pairs), pairs, 0, effort.seconds) for pairs in effort.pairs
    )


def _reaction(subject: Subject, pairs: int) -> Callable[[], int]:
    """Make a function that decides for `pairs` pairs without evaluating leaves."""
    columns = len(market_feature_names(subject.config.market))
    shape = (pairs, subject.model.window_bars, columns)
    market = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    states = AccountStates(subject.table)
    network = ReactiveTransformer(Sizes(), market[0], states)
    scale = np.zeros(columns, np.float32), np.ones(columns, np.float32)
    policy, flat = TransformerPolicy(network, *scale), np.zeros(pairs, np.int32)

    def react() -> int:
        policy.choose(market, flat, states)
        return 0

    return react


def _step_times(
    decide: Callable[[], int], pairs: int, simulations: int, seconds: float
) -> StepTimes:
    """Time `decide`, which decides for `pairs` pairs and returns the number of leaves."""
    leaves = decide()  # allocates the trees, like any first call
    times = _timed(decide, seconds)
    p50, p90 = np.percentile(times, (50, 90))
    rate = 1e3 * leaves / float(p50)
    return StepTimes(pairs, simulations, float(p50), float(p90), rate, len(times))


def _calls(player: Player, count: int, seconds: float) -> CallTimes:
    """Time the evaluation of what follows `count` leaves."""
    call = player.expander(count)
    (first,), times = _timed(call, 0.0, 1), _timed(call, seconds)
    p50, p90, p99 = np.percentile(times, (50, 90, 99))
    return CallTimes(count, first, float(p50), float(p90), float(p99), len(times))


def _energy(player: Player, effort: Effort) -> Energy | None:
    """Energy of decisions in the largest step; None without a sampler."""
    sampler, pairs = find_sampler(), max(effort.pairs)
    if sampler is None or not effort.energy_s:
        return None
    decide = player.decider(pairs, max(effort.simulations))
    return measure_energy(sampler, decide, pairs, effort.energy_s)


def _timed(action: Callable[[], object], seconds: float, repeats: int = MIN_REPEATS) -> list[float]:
    """Milliseconds of each call of `action`: at least `repeats`, for at least `seconds`."""
    times: list[float] = []
    began = time.perf_counter()
    while len(times) < repeats or time.perf_counter() - began < seconds:
        if len(times) == MAX_REPEATS:
            break
        start = time.perf_counter()
        action()
        times.append(1e3 * (time.perf_counter() - start))
    return times
