"""Which set of the core's kernels the native backend computes with on this machine.

On x86-64 it is the first, the fastest that the processor runs. On arm64 no order is known in
advance: SME, the matrix unit of Apple's processors from the M4 on, may be faster than Accelerate
or not, with these networks and that many threads. There only a measurement on the machine itself,
by ``mlx-muzero profile``, replaces the default. It does so precision by precision: Accelerate
multiplies in float32 alone, and SME in all but int8.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import NamedTuple

from mlx_muzero import __version__, _core
from mlx_muzero.errors import ConfigError
from mlx_muzero.files.cached import keep_json
from mlx_muzero.machine import cache_folder, identity

VARIABLE = "MLX_MUZERO_KERNELS"
"""Environment variable that names the kernels to compute with."""

WORTH_A_CHANGE = 1.1
"""How many times as fast as the default others must be: with them, last digits may change."""

_UNRANKED = ("accelerate", "baseline")
"""Defaults that others of this machine may outrun: those of arm64."""

_trial: ContextVar[str | None] = ContextVar("trial", default=None)


class KernelChoice(NamedTuple):
    """The kernels to compute with, and why."""

    name: str
    why: str


def contenders() -> tuple[str, ...]:
    """The kernels that a measurement has to compare, the default first; those named are alone.

    Raises:
        ConfigError: the environment names others than this machine has.
    """
    found = tuple(_core.kernels())
    if (named := os.environ.get(VARIABLE)) is None:
        return found if found[0] in _UNRANKED else found[:1]
    if named not in found:
        there = ", ".join(found)
        raise ConfigError(f"{VARIABLE}: {named!r} is not among the kernels here: {there}")
    return (named,)


def kernels_here(precision: str = "float32") -> KernelChoice:
    """The kernels that the native backend computes with, the same as long as this process lives.

    Args:
        precision: in which it multiplies, as named in `search.precision`.

    Raises:
        ConfigError: the environment names others than this machine has.
    """
    if (trial := _trial.get()) is not None:
        return KernelChoice(trial, "on trial")
    return kernels_to_use(_kept(_file()).get(precision, {}))


def kernels_to_use(rates: Mapping[str, float]) -> KernelChoice:
    """The kernels that the environment names, or else the fastest if they are clearly faster.

    Args:
        rates: speeds in one precision by name, in any unit; of all contenders, or of none if they
            are not known.

    Raises:
        ConfigError: the environment names others than this machine has.
    """
    default, *others = contenders()
    if VARIABLE in os.environ:
        return KernelChoice(default, f"named by {VARIABLE}")
    if not others:
        return KernelChoice(default, "the fastest that this processor runs")
    if not rates:
        why = f"the default; mlx-muzero profile would compare {' and '.join(others)}"
        return KernelChoice(default, why)
    fastest = max(others, key=rates.__getitem__)
    times = rates[fastest] / rates[default]
    if times < WORTH_A_CHANGE:
        why = f"the default; {fastest} {times:.2f} times as fast, as profiled here"
        return KernelChoice(default, why)
    return KernelChoice(fastest, f"{times:.2f} times as fast as {default}, as profiled here")


@contextmanager
def computing_with(name: str) -> Iterator[None]:
    """Have what is made meanwhile compute with the kernels of this name."""
    token = _trial.set(name)
    try:
        yield
    finally:
        _trial.reset(token)


def keep(rates: Mapping[str, Mapping[str, float]]) -> None:
    """Save speeds by precision and name, for `kernels_here` in processes that start later."""
    kept = {precision: dict(by_name) for precision, by_name in rates.items()}
    keep_json(_file(), {"measured_on": _measured_on(), "rates": kept})


def _file() -> Path:
    return cache_folder() / "kernels.json"


def _measured_on() -> dict[str, str]:
    """What speeds depend on; Accelerate's on the system's release."""
    return identity() | {"mlx_muzero": __version__}


@cache
def _kept(path: Path) -> dict[str, dict[str, float]]:
    """Speeds saved on this machine, by precision; empty if there are none for all contenders."""
    try:
        kept = json.loads(path.read_text())
        rates = {
            precision: {name: float(by_name[name]) for name in contenders()}
            for precision, by_name in kept["rates"].items()
        }
        current = kept["measured_on"] == _measured_on() and all(
            min(by_name.values()) > 0.0 for by_name in rates.values()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return rates if current else {}
