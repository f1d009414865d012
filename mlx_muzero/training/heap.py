"""Keeps freed memory in the process, as training asks for the same arrays at every step."""

import ctypes
import platform

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3

_KEPT_BYTES = 1 << 30
_LARGEST_BYTES = 32 << 20
"""The C library maps anything larger afresh; it accepts no higher limit."""


def keep_freed_memory() -> None:
    """Let the process keep up to 1 GiB that it freed; does nothing without glibc.

    The system clears each page that it hands out. A training step on a CPU frees and asks for some
    hundred MB, and getting them back from the system takes longer than the arithmetic on them.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(_M_MMAP_THRESHOLD, _LARGEST_BYTES)
    libc.mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
