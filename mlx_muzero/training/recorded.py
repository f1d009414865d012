"""A function of arrays that Python makes the operations of only twice (ADR 29).

A training step on a CPU has some 4,000 operations. Python takes longer to make them than MLX to
repeat them, and repeated they give the same result, to the last bit: `mx.compile`, without its
fusing of operations, for which a CPU needs a minute of the system's compiler and gains nothing.
"""

import ctypes
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import mlx.core as mx

from mlx_muzero.networks.dropout import Units, asked_units, draw_ahead, drawn, given_units

_NO_FUSE, _ENABLED = 2, 3
"""Of `mlx::core::CompileMode`."""

_mode = threading.Lock()
"""Held while the mode, which is one for the whole process, is not the usual one."""


class Recorded:
    """`function` of arrays, and of `state`, which it may change, with the same results.

    The first call with arrays of some shapes runs it, and tells for which units dropout draws. The
    second, in each thread, records its operations; from then on they are repeated. Where MLX cannot
    do so, every call runs it.

    Args:
        function: maps arrays to a tree of arrays.
        state: tree of the other arrays that it reads and replaces, as for `mx.compile`.
    """

    def __init__(self, function: Callable[..., Any], state: list[Any]) -> None:
        self._function = function
        self._again = mx.compile(self._with_units, inputs=state, outputs=state)
        self._asked = dict[tuple[tuple[int, ...], ...], list[Units]]()
        self._last: list[Units] | None = None

    def __call__(self, *arrays: mx.array) -> Any:
        """What `function` returns; its operations may not be computed yet."""
        shapes = tuple(array.shape for array in arrays)
        if set_mode() is None:
            return self._function(*arrays)
        if shapes not in self._asked:
            with asked_units() as asked:
                found = self._function(*arrays)
            self._asked[shapes] = asked
            return found
        self._last = self._asked[shapes]
        units = drawn(self._last)
        with _unfused():
            return self._again(arrays, units)

    def draw_ahead(self, key: int) -> None:
        """Draw now what the next call will after `seed_dropout(key)`, for arrays as the last's."""
        if self._last is not None:
            draw_ahead(key, self._last)

    def _with_units(self, arrays: tuple[mx.array, ...], units: list[mx.array]) -> Any:
        with given_units(units):
            return self._function(*arrays)


@contextmanager
def _unfused() -> Iterator[None]:
    """Let MLX fuse nothing of what it compiles meanwhile."""
    set_to = set_mode()
    assert set_to is not None
    with _mode:
        set_to(_NO_FUSE)
        try:
            yield
        finally:
            set_to(_ENABLED)


@cache
def set_mode() -> Callable[[int], None] | None:
    """MLX's `set_compile_mode`, which its Python interface lacks.

    None if compiling was disabled in the environment, or if this MLX has no such function.
    """
    if "MLX_DISABLE_COMPILE" in os.environ:
        return None
    folder = Path(mx.__file__).parent / "lib"
    for path in (folder / "libmlx.so", folder / "libmlx.dylib"):
        if path.exists():
            found = getattr(
                ctypes.CDLL(str(path)), "_ZN3mlx4core16set_compile_modeENS0_11CompileModeE", None
            )
            if found is not None:
                found.argtypes, found.restype = [ctypes.c_int], None
            return found
    return None
