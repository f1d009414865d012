import ctypes
import mmap
import platform
from types import SimpleNamespace

import pytest

from mlx_muzero.training.heap import keep_freed_memory

HUGE_PAGE_BYTES = 2 << 20

needs_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")


@pytest.fixture
def libc(monkeypatch):
    """The C library, which tells what it was asked."""
    real, accepted, advised = ctypes.CDLL(None), [], []

    def mallopt(parameter, value):
        accepted.append(real.mallopt(parameter, value))

    def madvise(start, size, advice):
        advised.append((start, size, advice))
        return 0

    calls = {"mallopt": mallopt, "madvise": madvise, "malloc": real.malloc, "free": real.free}
    asked = SimpleNamespace(**calls, accepted=accepted, advised=advised)
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: asked)
    return asked


@needs_glibc
def test_the_c_library_accepts_both_limits(libc):
    keep_freed_memory()
    assert libc.accepted == [1, 1]


@needs_glibc
def test_half_a_gib_is_asked_to_be_on_huge_pages(libc):
    keep_freed_memory()
    assert {advice for _, _, advice in libc.advised} == {mmap.MADV_HUGEPAGE}
    assert all(start % HUGE_PAGE_BYTES == 0 for start, _, _ in libc.advised)
    assert sum(size for _, size, _ in libc.advised) > 500 << 20


@needs_glibc
def test_where_memory_is_limited_nothing_is_asked_of_what_there_is_not(libc):
    libc.malloc = lambda _size: None
    libc.free = lambda _block: None
    keep_freed_memory()
    assert libc.advised == []


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    monkeypatch.setattr(ctypes, "CDLL", None)
    keep_freed_memory()
