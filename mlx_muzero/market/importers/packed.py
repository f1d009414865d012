"""Opens a CSV file, plain or the only one in a zip; nothing else in a zip is unpacked."""

import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from mlx_muzero.errors import DataError

# A year of bars without trades compresses by a factor of 40.
_MOST_SHRUNK = 200
_SMALL = 64 << 20

_ENCRYPTED = 0x1  # of a member's flags
_ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
_SHOWN = 3


def require_file(path: Path) -> None:
    """Raise DataError unless `path` is a file or a link to one; a pipe would block."""
    if not path.is_file():
        what = (
            "is not a file: name a file, or a folder of files" if path.exists() else "no such file"
        )
        raise DataError(f"{path}: {what}")


@contextmanager
def open_text(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """The bytes of a CSV file, or of the only CSV in a zip, and their number.

    Raises:
        DataError: the file is missing, or a zip that is damaged or encrypted, does not hold
            exactly one CSV, or expands beyond what bars can.
    """
    try:
        if not is_zip(path):
            with path.open("rb") as stream:
                yield stream, path.stat().st_size
            return
        with zipfile.ZipFile(path) as archive:
            member = _only_csv(path, archive)
            with archive.open(member) as stream:
                yield cast(BinaryIO, stream), member.file_size
    except NotImplementedError as error:
        raise DataError(f"{path}: {error}: unpack it, and import the csv") from error
    except (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: cannot be read ({error})") from error


def _only_csv(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    files = [m for m in archive.infolist() if not m.is_dir()]
    # macOS adds a metadata file with the same ending for each file.
    found = [
        m
        for m in files
        if m.filename.lower().endswith(".csv") and not m.filename.startswith("__MACOSX/")
    ]
    if len(found) != 1:
        names = ", ".join(ascii(m.filename) for m in (found or files)[:_SHOWN]) or "nothing"
        what = f"has {len(found)} ({names}, ...)" if found else f"has none (it holds {names})"
        way_on = "unpack it, and import those" if files else "download it again"
        raise DataError(f"{path}: a zip must hold one csv, this {what}: {way_on}")
    (member,) = found
    if member.flag_bits & _ENCRYPTED:
        raise DataError(f"{path}: is encrypted: unpack it with its password, and import the csv")
    if member.file_size > max(_SMALL, _MOST_SHRUNK * member.compress_size):
        raise DataError(
            f"{path}: its {member.compress_size:,} bytes expand to {member.file_size:,}, as no"
            " bars do: it is damaged or a trap"
        )
    return member


def is_zip(path: Path) -> bool:
    """Whether the file at `path` starts like a zip, whatever its name."""
    with path.open("rb") as stream:
        return stream.read(4) in _ZIP_MAGIC
