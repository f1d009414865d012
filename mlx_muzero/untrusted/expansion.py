"""Bounds how much a compressed file may expand while it is read."""

from pathlib import Path

from mlx_muzero.errors import DataError

MOST_SHRUNK = 200
"""Times that a file of bars may expand; a year of bars without trades compresses by 40."""

SMALL = 64 << 20
"""Bytes to which any file may expand."""


def require_expansion(path: Path, packed: int, unpacked: int) -> None:
    """Raise DataError if `packed` bytes have expanded to more than bars can."""
    if unpacked > max(SMALL, MOST_SHRUNK * packed):
        raise DataError(
            f"{path}: its {packed:,} bytes expand to {unpacked:,}, as no bars do: it is damaged or"
            " a trap"
        )
