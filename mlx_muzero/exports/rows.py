"""Calls programs with any number of rows, padded or spread over several calls."""

from collections.abc import Iterator, Mapping

import numpy as np

from mlx_muzero.errors import ExportError
from mlx_muzero.exports.interface import (
    ExportSizes,
    ProgramName,
    Shape,
    input_shapes,
    output_shapes,
)
from mlx_muzero.exports.program import Program
from mlx_muzero.types import F32


def call(
    programs: Mapping[int, Program],
    name: ProgramName,
    sizes: ExportSizes,
    inputs: Mapping[str, F32],
) -> dict[str, F32]:
    """Outputs ``f32[n, k, channels]`` of a program for n rows; k = C for successors of `recurrent`.

    Args:
        programs: the same program by its number of rows.
        name: its name.
        sizes: sizes it was exported with.
        inputs: by name, ``f32[n, channels]``, or an observation ``f32[n, W, F]``.

    Raises:
        ExportError: an output is missing or does not have the shape the interface states.
    """
    (count,) = {len(rows) for rows in inputs.values()}
    out = {
        output: np.empty((count, columns, channels), np.float32)
        for output, (_, channels, _, columns) in output_shapes(name, sizes, 1).items()
    }
    for chunk, rows in _chunks(count, sorted(programs)):
        shapes = input_shapes(name, sizes, rows)
        packed = {key: _packed(inputs[key][chunk], shape) for key, shape in shapes.items()}
        images = programs[rows](packed)
        for output, shape in output_shapes(name, sizes, rows).items():
            found = images[output].shape if output in images else "missing"
            if found != shape:
                raise ExportError(f"{name}, {rows} rows: output {output} is {found}, not {shape}")
            columns = images[output].reshape(shape[1], -1, rows)
            out[output][chunk] = columns.transpose(2, 1, 0)[: chunk.stop - chunk.start]
    return out


def _chunks(count: int, available: list[int]) -> Iterator[tuple[slice, int]]:
    """Consecutive rows and the size of the program for them: full ones first, the last padded."""
    first = 0
    while first < count:
        left = count - first
        rows = next((rows for rows in available if rows >= left), available[-1])
        yield slice(first, min(first + rows, count)), rows
        first += rows


def _packed(rows: F32, shape: Shape) -> F32:
    """Pack ``f32[n, channels]`` or ``f32[n, W, channels]`` into `shape`, zero after row n."""
    image = np.zeros(shape, np.float32)
    if rows.ndim == 2:
        image[0, :, 0, : len(rows)] = rows.T
    else:
        image[0, :, : len(rows)] = rows.transpose(2, 0, 1)
    return image
