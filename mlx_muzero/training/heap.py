"""Keeps freed memory in the process, as training asks for the same arrays at every step."""

import ctypes
import platform

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_MADV_HUGEPAGE = 14

_KEPT_BYTES = 1 << 30
_LARGEST_BYTES = 32 << 20
"""The C library maps anything larger afresh; it accepts no higher limit."""

_BLOCK_BYTES = _LARGEST_BYTES - (1 << 16)
_BLOCKS = 16
"""Half a GiB: more than a step of fx_micro's networks has at once."""

_HUGE_PAGE_BYTES = 2 << 20


def keep_freed_memory() -> None:
    """Let the process keep up to 1 GiB that it freed, half of it on huge pages if it may.

    The system clears each page that it hands out. A training step on a CPU frees and asks for some
    hundred MB, and getting them back from the system takes longer than the arithmetic on them.
    They have more pages of the usual size than a processor remembers where to find. Does nothing
    without glibc.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(_M_MMAP_THRESHOLD, _LARGEST_BYTES)
    libc.mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
    _ask_for_huge_pages(libc)


def _ask_for_huge_pages(libc: ctypes.CDLL) -> None:
    """Have the memory that the C library hands out next on huge pages, as it is written to.

    A hint, which the system may ignore. Pages that are never written to take no memory.
    """
    libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    libc.free.restype, libc.free.argtypes = None, [ctypes.c_void_p]
    libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    blocks = [libc.malloc(_BLOCK_BYTES) for _ in range(_BLOCKS)]
    for block in filter(None, blocks):
        before = block % _HUGE_PAGE_BYTES
        libc.madvise(block - before, before + _BLOCK_BYTES, _MADV_HUGEPAGE)
    for block in blocks:
        libc.free(block)
