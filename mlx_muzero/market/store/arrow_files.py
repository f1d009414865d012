"""Reads what only Apache Arrow can: feather files and zstd; the one user of pyarrow."""

from pathlib import Path
from types import ModuleType
from typing import BinaryIO, Protocol

from mlx_muzero.errors import DataError
from mlx_muzero.untrusted.expansion import require_expansion

FEATHER_MAGIC = b"ARROW1"


class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _ZstdReader:
    """Reads a zstd stream; a damaged one raises OSError."""

    def __init__(self, arrow: ModuleType, packed: BinaryIO) -> None:
        self._arrow = arrow
        self._stream: _Stream = arrow.CompressedInputStream(packed, "zstd")

    def read(self, size: int) -> bytes:
        try:
            return self._stream.read(size)
        except self._arrow.ArrowException as error:
            raise OSError(str(error)) from error


def zstd_reader(path: Path, packed: BinaryIO) -> _ZstdReader:
    """Decompresses `packed`, the open file at `path`, while it is read.

    Raises:
        DataError: pyarrow is not installed.
    """
    return _ZstdReader(_arrow(path), packed)


def is_feather(path: Path) -> bool:
    """Whether the file at `path` starts like a feather file (version 2, which is Arrow's own)."""
    with path.open("rb") as file:
        return file.read(len(FEATHER_MAGIC)) == FEATHER_MAGIC


def feather_to_parquet(path: Path, parquet: Path) -> None:
    """Write the rows of the feather file at `path` to a new parquet file, batch by batch.

    Raises:
        DataError: pyarrow is not installed, or the file is damaged, or expands beyond what bars
            can.
    """
    arrow = _arrow(path)
    from pyarrow import ipc
    from pyarrow import parquet as pq

    size, unpacked = path.stat().st_size, 0
    try:
        with (
            arrow.memory_map(str(path)) as source,
            ipc.open_file(source) as batches,
            pq.ParquetWriter(parquet, batches.schema) as rows,
        ):
            for k in range(batches.num_record_batches):
                batch = batches.get_batch(k)
                batch.validate(full=True)
                unpacked += batch.nbytes
                require_expansion(path, size, unpacked)
                rows.write_batch(batch)
    except (arrow.ArrowException, OSError, MemoryError) as error:
        raise DataError(f"{path}: is damaged, or not a feather file ({error})") from error


def _arrow(path: Path) -> ModuleType:
    try:
        import pyarrow
    except ImportError as error:
        raise DataError(
            f"{path}: feather and zstd files need pyarrow: pip install 'mlx_muzero[arrow]', or"
            " write the file as parquet, csv or csv.gz"
        ) from error
    return pyarrow
