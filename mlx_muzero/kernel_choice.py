"""Which set of the core's kernels the native backend computes with on this machine.

On x86-64 it is the first, the fastest that the processor runs. On arm64 no order is known in
advance: SME, the matrix unit of Apple's processors from the M4 on, may be faster than Accelerate
or not, with these networks and that many threads. There only a measurement on the machine itself,
by ``mlx-muzero profile``, replaces the default.
"""

import json
import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import NamedTuple

from mlx_muzero import __version__, _core
from mlx_muzero.errors import ConfigError
from mlx_muzero.files.cached import keep_json
from mlx_muzero.machine import cache_folder, processor

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
    """The kernels that a measurement has to compare, the default first."""
    found = tuple(_core.kernels())
    return found if found[0] in _UNRANKED else found[:1]


def kernels_here() -> KernelChoice:
    """The kernels that the native backend computes with, the same as long as this process lives.

    Raises:
        ConfigError: the environment names others than this machine has.
    """
    trial = _trial.get()
    return kernels_to_use(_kept(_file())) if trial is None else KernelChoice(trial, "on trial")


def kernels_to_use(rates: Mapping[str, float]) -> KernelChoice:
    """The kernels that the environment names, or else the fastest if they are clearly faster.

    Args:
        rates: speeds by name, in any unit; of all contenders, or of none if they are not known.

    Raises:
        ConfigError: the environment names others than this machine has.
    """
    if (named := os.environ.get(VARIABLE)) is not None:
        if named not in _core.kernels():
            there = ", ".join(_core.kernels())
            raise ConfigError(f"{VARIABLE}: {named!r} is not among the kernels here: {there}")
        return KernelChoice(named, f"named by {VARIABLE}")
    default, *others = contenders()
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


def keep(rates: Mapping[str, float]) -> None:
    """Save speeds by name, for `kernels_here` in processes that start later."""
    keep_json(_file(), {"measured_on": _machine(), "rates": dict(rates)})


def _file() -> Path:
    return cache_folder() / "kernels.json"


def _machine() -> dict[str, str]:
    """What speeds depend on; Accelerate's on the system's release."""
    return {
        "node": platform.node(),
        "system": platform.platform(),
        "processor": processor(),
        "mlx_muzero": __version__,
    }


@cache
def _kept(path: Path) -> dict[str, float]:
    """Speeds saved on this machine; empty if there are none for all contenders."""
    try:
        kept = json.loads(path.read_text())
        rates = {name: float(kept["rates"][name]) for name in contenders()}
        current = kept["measured_on"] == _machine() and min(rates.values()) > 0.0
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return rates if current else {}
