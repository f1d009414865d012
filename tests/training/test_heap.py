import ctypes
import platform

import pytest

from mlx_muzero.training.heap import keep_freed_memory


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_the_c_library_accepts_both_limits(monkeypatch):
    accepted = []

    class Libc:
        def __init__(self, _name):
            self._libc = real(None)

        def mallopt(self, parameter, value):
            accepted.append(self._libc.mallopt(parameter, value))

    real = ctypes.CDLL
    monkeypatch.setattr(ctypes, "CDLL", Libc)
    keep_freed_memory()
    assert accepted == [1, 1]


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    monkeypatch.setattr(ctypes, "CDLL", None)
    keep_freed_memory()
