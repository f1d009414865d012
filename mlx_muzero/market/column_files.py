"""A folder of large arrays, one file each, read through memory maps; only what is used is read.

``header.json`` is written last: it has the key the arrays were made for, each array's type and
shape, and a checksum of every `BLOCK_BYTES` of it. Opening checks the header in full, and of each
array its size and a few blocks: reading gigabytes to check them would take what maps save.
"""

import errno
import hashlib
import json
import os
import re
import shutil
import zlib
from collections.abc import Mapping
from io import BufferedWriter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mlx_muzero.files.regular import descriptor, read_text, reader, require_folder, write_text
from mlx_muzero.untrusted.json_values import parsed

Array = npt.NDArray[Any]

BLOCK_BYTES = 2**20
CHECKED_BLOCKS = 4
"""Blocks of each array that opening checks, from first to last."""

_FORMAT = 1
_HEADER = "header.json"
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TYPES = ("<i2", "<i8", "<f4", "<f8", "|i1", "|b1")


class _Column:
    """One array's file, being appended to."""

    def __init__(self, path: Path, like: Array) -> None:
        self._file: BufferedWriter = os.fdopen(
            descriptor(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb"
        )
        self._path, self._like, self._rows = path, like[:0].copy(), 0
        self._blocks: list[int] = []
        self._filled = BLOCK_BYTES

    def append(self, values: Array) -> None:
        if (values.dtype, values.shape[1:]) != (self._like.dtype, self._like.shape[1:]):
            raise ValueError(
                f"{self._path.name}: {values.dtype}{values.shape} does not continue it"
            )
        data = np.ascontiguousarray(values).reshape(-1).view(np.uint8).data
        self._file.write(data)
        self._rows += len(values)
        while len(data):
            if self._filled == BLOCK_BYTES:
                self._blocks.append(0)
                self._filled = 0
            piece, data = data[: BLOCK_BYTES - self._filled], data[BLOCK_BYTES - self._filled :]
            self._blocks[-1] = zlib.crc32(piece, self._blocks[-1])
            self._filled += len(piece)

    def end(self) -> dict[str, Any]:
        """Put it on the disk; returns its part of the header."""
        self._file.flush()
        os.fsync(self._file.fileno())
        shape = [self._rows, *self._like.shape[1:]]
        return {"dtype": self._like.dtype.str, "shape": shape, "blocks": self._blocks}

    def close(self) -> None:
        self._file.close()


class ColumnWriter:
    """Writes arrays to the empty folder `path`, piece by piece; a context manager."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._columns: dict[str, _Column] = {}
        self._ended: dict[str, dict[str, Any]] = {}

    def __enter__(self) -> "ColumnWriter":
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the files."""
        for column in self._columns.values():
            column.close()

    def append(self, arrays: Mapping[str, Array]) -> None:
        """Append to the arrays of these names, along their first axis.

        Raises:
            ValueError: an array differs in type or row shape from what it continues.
            OSError: it cannot be written.
        """
        for name, values in arrays.items():
            if name not in self._columns:
                self._columns[name] = _Column(self._path / f"{name}.bin", values)
            self._columns[name].append(values)

    def require_room(self, size: int) -> None:
        """Raise OSError unless `size` bytes fit on the disk."""
        free = shutil.disk_usage(self._path).free
        if size > free:
            told = f"{size / 1e9:.1f} GB are needed, {free / 1e9:.1f} GB are free"
            raise OSError(errno.ENOSPC, told, str(self._path))

    def end(self) -> dict[str, Array]:
        """Put the arrays on the disk; returns them, mapped."""
        self._ended = {name: column.end() for name, column in self._columns.items()}
        return _mapped(self._path, self._ended)

    def seal(self, key: str, facts: Mapping[str, Any]) -> None:
        """Write the header, after `end`; without one the folder is not opened."""
        header = {"format": _FORMAT, "key": key, "columns": self._ended, "facts": facts}
        write_text(self._path / _HEADER, json.dumps({**header, "digest": _digest(header)}))


def open_columns(
    path: Path, key: str, *, every_block: bool = False
) -> tuple[dict[str, Array], dict[str, Any]]:
    """The arrays in the folder `path`, mapped and read-only, and the facts stored with them.

    Args:
        path: the folder.
        key: what it must have been made for.
        every_block: check every block of the arrays, not just a few.

    Raises:
        FileNotFoundError: there is no such folder.
        OSError: it cannot be read.
        ValueError: it is damaged, incomplete, or was made for another key.
    """
    require_folder(path)
    path.stat()
    try:
        header = dict(parsed(read_text(path / _HEADER)))
        digest = header.pop("digest")
        if header["format"] != _FORMAT or header["key"] != key or digest != _digest(header):
            raise ValueError("its header is damaged or of something else")
        columns = _mapped(path, header["columns"])
        for name, column in columns.items():
            _check(name, column, header["columns"][name]["blocks"], every_block)
        return columns, dict(header["facts"])
    except FileNotFoundError as error:
        raise ValueError(f"{Path(str(error.filename)).name} is missing") from error
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"its header is malformed: {error}") from error


def _digest(header: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(header, sort_keys=True).encode()).hexdigest()


def _mapped(path: Path, columns: Mapping[str, Mapping[str, Any]]) -> dict[str, Array]:
    return {name: _map(path, name, column) for name, column in columns.items()}


def _map(path: Path, name: str, column: Mapping[str, Any]) -> Array:
    if not _NAME.fullmatch(name) or column["dtype"] not in _TYPES:
        raise ValueError(f"an array {name!r} of type {column['dtype']!r}")
    dtype, shape = np.dtype(column["dtype"]), tuple(map(int, column["shape"]))
    size = dtype.itemsize
    for length in shape:
        size *= length
    with reader(path / f"{name}.bin") as file:
        if os.fstat(file.fileno()).st_size != size or min(shape) < 0:
            raise ValueError(f"{name}.bin does not have {size:,} bytes")
        if not size:  # nothing to map
            return np.empty(shape, dtype)
        return np.memmap(file, dtype, "r", shape=shape).view(np.ndarray)


def _check(name: str, column: Array, sums: list[int], every_block: bool) -> None:
    data = column.reshape(-1).view(np.uint8)
    blocks = -(-len(data) // BLOCK_BYTES)
    if blocks != len(sums):
        raise ValueError(f"{name}.bin has {len(sums)} checksums for {blocks} blocks")
    checked = range(blocks)
    if not every_block and blocks > CHECKED_BLOCKS:
        checked = np.linspace(0, blocks - 1, CHECKED_BLOCKS, dtype=int).tolist()
    for block in checked:
        piece = data[block * BLOCK_BYTES : (block + 1) * BLOCK_BYTES]
        if zlib.crc32(piece.data) != sums[block]:
            raise ValueError(f"{name}.bin is damaged")
