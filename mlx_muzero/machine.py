"""This machine: its cores, this process's peak memory, and folders for cached and kept files."""

import ctypes
import os
import platform
import resource
import sys
from pathlib import Path
from typing import NamedTuple


def performance_cores() -> int:
    """Number of cores for threads of heavy arithmetic: those that this process may run on.

    On a Mac only performance cores count: the others would wait for a thread on an efficiency core.
    """
    if sys.platform == "darwin":
        return _sysctl("hw.perflevel0.physicalcpu") or os.cpu_count() or 1
    return len(os.sched_getaffinity(0))


class CoreKind(NamedTuple):
    """Cores of one kind; `name` is empty where the system tells no kinds apart."""

    name: str
    cores: int


def core_kinds() -> tuple[CoreKind, ...]:
    """The kinds of this machine's cores, the fastest first: on a Mac "Performance", "Efficiency".

    Source: ``sysctl hw.nperflevels`` and ``hw.perflevelN``.
    """
    if sys.platform == "darwin":
        levels = [f"hw.perflevel{level}" for level in range(_sysctl("hw.nperflevels"))]
        told = ((_sysctl_text(f"{level}.name"), _sysctl(f"{level}.logicalcpu")) for level in levels)
        return tuple(CoreKind(*kind) for kind in told) or (CoreKind("", os.cpu_count() or 1),)
    return (CoreKind("", os.cpu_count() or 1),)


def _sysctl(name: str) -> int:
    """The macOS kernel's value of `name`; 0 if it has none."""
    value = ctypes.c_int32(0)
    size = ctypes.c_size_t(ctypes.sizeof(value))
    libc = ctypes.CDLL(None)
    found = libc.sysctlbyname(name.encode(), ctypes.byref(value), ctypes.byref(size), None, 0)
    return value.value if found == 0 else 0


def processor() -> str:
    """The processor's architecture; on a Mac, which chip it is ("Apple M2 Max")."""
    return (sys.platform == "darwin" and _sysctl_text("machdep.cpu.brand_string")) or (
        platform.machine()
    )


def identity() -> dict[str, str]:
    """Which machine this is, with its system and processor: speeds hold for no other."""
    return {
        "node": platform.node(),
        "system": platform.platform(),
        "processor": processor(),
    }


def _sysctl_text(name: str) -> str:
    """The macOS kernel's text for `name`; empty if it has none."""
    text = ctypes.create_string_buffer(256)
    size = ctypes.c_size_t(len(text))
    found = ctypes.CDLL(None).sysctlbyname(name.encode(), text, ctypes.byref(size), None, 0)
    return text.value.decode(errors="replace") if found == 0 else ""


def peak_memory_mb() -> float:
    """Peak memory of this process plus that of its largest ended child, in megabytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    own, children = (
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return (own + children) * unit / 1e6


def cache_folder() -> Path:
    """The cache folder in the system's usual place; it may not exist yet."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "mlx_muzero"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mlx_muzero"


def data_folder() -> Path:
    """The folder of what is kept for this user, in the usual place; it may not exist yet."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "mlx_muzero"
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(home) / "mlx_muzero"
