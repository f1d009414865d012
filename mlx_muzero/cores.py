"""How many cores there are to compute on."""

import ctypes
import os
import sys


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
