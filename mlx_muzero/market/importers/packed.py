"""Opens a text file: plain, in a zip, a gzip or zstd, as UTF-8; nothing else is unpacked."""

import codecs
import gzip
import lzma
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol, cast

from mlx_muzero.errors import DataError
from mlx_muzero.market.store.arrow_files import zstd_reader
from mlx_muzero.untrusted.expansion import MOST_SHRUNK, require_expansion

_ENCRYPTED = 0x1  # of a member's flags
_ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_SHOWN = 3


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes, or a few more; none at the end."""


class TextStream:
    """The text of a file in UTF-8.

    Attributes:
        size: about the number of bytes to read, at least as many as there are.
        name: name of the file, in a zip that of the file inside.
    """

    def __init__(
        self,
        stream: Readable,
        size: int,
        done: Callable[[], int] | None = None,
        name: str = "",
    ) -> None:
        """Read `stream`; `done` tells how much of `size` has been read, if it is not counted."""
        self.name = name
        self._start = stream.read(2)
        self._stream = stream
        self._done, self._read = done, 0
        self._decoder = None
        self.size = size
        if self._start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            self._decoder = codecs.getincrementaldecoder("utf-16")("replace")
            self.size = size // 2

    def read(self, size: int) -> bytes:
        """About `size` bytes; none at the end."""
        while True:
            start, self._start = self._start, b""
            block = start + self._stream.read(max(size - len(start), 1))
            text = block
            if self._decoder is not None:
                text = self._decoder.decode(block, final=not block).encode()
            self._read += len(text)
            if text or not block:
                return text

    @property
    def done(self) -> int:
        """How much of `size` has been read."""
        return self._read if self._done is None else self._done()


class _Unpacked:
    """Reads a compressed stream, as long as it does not expand beyond what bars can."""

    def __init__(self, path: Path, stream: Readable, packed: BinaryIO) -> None:
        self._path, self._stream, self._packed, self._out = path, stream, packed, 0

    def read(self, size: int) -> bytes:
        block = self._stream.read(size)
        self._out += len(block)
        require_expansion(self._path, self._packed.tell(), self._out)
        return block

    def done(self) -> int:
        # Of a packed file only the packed size is known.
        return self._packed.tell() * MOST_SHRUNK


def require_file(path: Path) -> None:
    """Raise DataError unless `path` is a file or a link to one; a pipe would block."""
    if not path.is_file():
        what = (
            "is not a file: name a file, or a folder of files" if path.exists() else "no such file"
        )
        raise DataError(f"{path}: {what}")


@contextmanager
def open_text(path: Path) -> Iterator[TextStream]:
    """The text of a file, or of the only CSV in a zip.

    Raises:
        DataError: the file is missing, or it is packed and damaged or encrypted, does not hold
            exactly one CSV, or expands beyond what bars can.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(4)
            file.seek(0)
            if magic in _ZIP_MAGIC:
                with zipfile.ZipFile(file) as archive:
                    member = _only_csv(path, archive)
                    with archive.open(member) as unzipped:
                        name = PurePosixPath(member.filename).name
                        yield TextStream(cast(BinaryIO, unzipped), member.file_size, name=name)
                return
            size = os.fstat(file.fileno()).st_size
            if magic[:2] != GZIP_MAGIC and magic != ZSTD_MAGIC:
                yield TextStream(file, size, name=path.name)
                return
            is_gzip = magic[:2] == GZIP_MAGIC
            stream: Readable = gzip.GzipFile(fileobj=file) if is_gzip else zstd_reader(path, file)
            unpacked = _Unpacked(path, stream, file)
            yield TextStream(unpacked, size * MOST_SHRUNK, unpacked.done, path.name)
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
    require_expansion(path, member.compress_size, member.file_size)
    return member


def is_zip(path: Path) -> bool:
    """Whether the file at `path` starts like a zip, whatever its name."""
    with path.open("rb") as stream:
        return stream.read(4) in _ZIP_MAGIC
