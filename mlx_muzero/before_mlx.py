"""Loads MLX's BLAS (`mlx_muzero.blas`) when MLX is about to be imported.

So commands that compute nothing with MLX, like those that watch a run, start without a BLAS.
"""

import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

_MLX = "mlx.core"


class _Finder:
    """Finds no module, but is asked for MLX's before anyone who does."""

    @staticmethod
    def find_spec(
        fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """None, once the BLAS is loaded if the module is MLX's."""
        if fullname == _MLX:
            sys.meta_path.remove(_Finder)
            _load()
        return None


def load_blas_before_mlx() -> None:
    """Have the BLAS loaded before MLX, or now if MLX is loaded already, which is warned of.

    On arm64 Linux it is loaded now: NumPy's BLAS may have to be told what `blas.name_core` says.
    """
    arm64_linux = sys.platform == "linux" and os.uname().machine == "aarch64"
    if _MLX in sys.modules or arm64_linux:
        _load()
    else:
        sys.meta_path.insert(0, _Finder)


def _load() -> None:
    from mlx_muzero import blas

    blas.preload()
