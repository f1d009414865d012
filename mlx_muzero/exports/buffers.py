"""Shared memory for the inputs and outputs of programs, used by parent and child process.

The memory has no name: it is a descriptor handed to the child, and the system frees it when the
last process holding it ends, however that happens. `multiprocessing.shared_memory` uses names,
which outlive processes, so this module uses the underlying system calls.
"""

import _posixshmem
import math
import mmap
import os
import secrets
from collections.abc import Iterable, Iterator

import numpy as np

from mlx_muzero.exports.interface import Shape
from mlx_muzero.exports.manifest import ProgramEntry
from mlx_muzero.types import F32

Tensors = dict[str, F32]
"""Views into the shared memory, by the names of a program's inputs or outputs."""

_ALIGNMENT = 64
_ITEM_BYTES = 4


class Buffers:
    """Every tensor of `programs`, float32, as NumPy views of the shared memory `descriptor`.

    Both processes derive the same layout from the same programs, whatever their order, so only the
    descriptor has to be passed.

    Attributes:
        inputs: of each program, by its `ProgramEntry.key`.
        outputs: likewise.
    """

    def __init__(self, descriptor: int, programs: Iterable[ProgramEntry]) -> None:
        programs = sorted(programs, key=lambda program: program.key)
        memory = mmap.mmap(descriptor, size_bytes(programs))
        offsets = _offsets(programs)
        self.inputs: dict[str, Tensors] = {}
        self.outputs: dict[str, Tensors] = {}
        for program in programs:
            self.inputs[program.key] = _views(memory, offsets, program.inputs)
            self.outputs[program.key] = _views(memory, offsets, program.outputs)


def allocate(size: int) -> int:
    """Allocate `size` bytes of new, unnamed shared memory; return its descriptor."""
    name = f"/mlxmz-{secrets.token_hex(8)}"  # macOS allows 31 characters
    descriptor = _posixshmem.shm_open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode=0o600)
    _posixshmem.shm_unlink(name)
    os.ftruncate(descriptor, size)
    return descriptor


def size_bytes(programs: Iterable[ProgramEntry]) -> int:
    """Number of bytes that `Buffers` of `programs` need."""
    return sum(_spans(programs))


def _spans(programs: Iterable[ProgramEntry]) -> Iterator[int]:
    """Size of each tensor in layout order, in bytes, rounded up to keep the next one aligned."""
    for program in programs:
        for shape in (*program.inputs.values(), *program.outputs.values()):
            yield -(-math.prod(shape) * _ITEM_BYTES // _ALIGNMENT) * _ALIGNMENT


def _offsets(programs: Iterable[ProgramEntry]) -> Iterator[int]:
    offset = 0
    for span in _spans(programs):
        yield offset
        offset += span


def _views(memory: mmap.mmap, offsets: Iterator[int], shapes: dict[str, Shape]) -> Tensors:
    return {
        name: np.frombuffer(memory, np.float32, math.prod(shape), next(offsets)).reshape(shape)
        for name, shape in shapes.items()
    }
