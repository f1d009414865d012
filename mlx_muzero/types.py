"""Array aliases, and the notation for arrays in docstrings: ``f32[B, A]``.

A dtype (``f32``, ``f64``, ``i8`` to ``i64``, ``u8`` to ``u64``, ``bool``) and its dimensions, in
double backticks, before the description. A dimension is a number, a name, or one of these:

``B`` batch of sessions or pairs, ``T`` bars in time order, ``W`` window bars (32), ``F``
features, ``D`` latent width (256), ``A`` actions, ``C`` chance outcomes, ``P`` positions,
``K`` unroll steps, ``S`` value bins (601), ``N`` nodes or slots.

Times are UTC nanoseconds since 1970 (int64); a bar is stamped at its open and known at its
close. Money is float64 outside the networks, float32 inside.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

F32: TypeAlias = npt.NDArray[np.float32]
F64: TypeAlias = npt.NDArray[np.float64]
I8: TypeAlias = npt.NDArray[np.int8]
I16: TypeAlias = npt.NDArray[np.int16]
I32: TypeAlias = npt.NDArray[np.int32]
I64: TypeAlias = npt.NDArray[np.int64]
U64: TypeAlias = npt.NDArray[np.uint64]
Bool: TypeAlias = npt.NDArray[np.bool_]

Advance: TypeAlias = Callable[[int], None]
"""Called with the number of decisions just made; raising an exception aborts the work."""
