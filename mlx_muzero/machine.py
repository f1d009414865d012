"""This machine: its cores, the memory of this process, and where what can be made again is kept."""

import ctypes
import os
import resource
import sys
from pathlib import Path


def performance_cores() -> int:
    """Cores worth a thread of heavy arithmetic: those this process may run on.

    On a Mac the performance cores: a thread on an efficiency core would be waited for.
    """
    if sys.platform == "darwin":
        return _sysctl("hw.perflevel0.physicalcpu") or os.cpu_count() or 1
    return len(os.sched_getaffinity(0))


def _sysctl(name: str) -> int:
    """A number the macOS kernel knows by `name`; 0 where it does not."""
    value = ctypes.c_int32(0)
    size = ctypes.c_size_t(ctypes.sizeof(value))
    libc = ctypes.CDLL(None)
    found = libc.sysctlbyname(name.encode(), ctypes.byref(value), ctypes.byref(size), None, 0)
    return value.value if found == 0 else 0


def peak_memory_mb() -> float:
    """The most this process ever held and the most one of its ended children did, in megabytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    own, children = (
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return (own + children) * unit / 1e6


def cache_folder() -> Path:
    """The folder for it, where the system wants it; it need not be there yet."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "mlx_muzero"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mlx_muzero"
