"""Opens Databento's files as its csv: DBN by way of its own package, csv as it is, and JSON lines.

Databento stamps a bar with the open of its minute, in ``ts_event``. Prices are decimals, or whole
numbers of 1e-9.
"""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from mlx_muzero.errors import DataError
from mlx_muzero.market.importers.packed import Readable, TextStream, open_text

DBN_MAGIC = b"DBN"
JSON_START = '{"hd":'
_BLOCK_BYTES = 1 << 20
_HEADER = ("ts_event", "rtype", "publisher_id", "instrument_id")
_VALUES = ("open", "high", "low", "close", "volume", "symbol")
_HEAD_BYTES = 64 * 1024


class _Converted:
    """Reads what `convert` makes of a stream, block by block."""

    def __init__(self, stream: Readable, start: bytes, convert: Callable[[bytes], bytes]) -> None:
        self._stream, self._start, self._convert, self._rest = stream, start, convert, b""
        self._ended = False

    def read(self, size: int) -> bytes:
        while not self._rest and not self._ended:
            block, self._start = self._start or self._stream.read(_BLOCK_BYTES), b""
            self._ended = not block
            self._rest = self._convert(block)
        part, self._rest = self._rest[:size], self._rest[size:]
        return part


@contextmanager
def open_databento(path: Path) -> Iterator[TextStream]:
    """The text of a file as Databento's csv; see `open_text`.

    Raises:
        DataError: it is DBN and databento-dbn is not installed, or it is damaged, or not of bars.
    """
    with open_text(path) as stream:
        start = stream.read(_HEAD_BYTES)
        convert: Callable[[bytes], bytes] = _as_it_is
        if start.startswith(DBN_MAGIC):
            convert = _transcoder(path)
        elif start.startswith(JSON_START.encode()):
            convert = _JsonRows(path)
        rows = _Converted(stream, start, convert)
        yield TextStream(rows, stream.size, lambda: stream.done, stream.name)


def _as_it_is(block: bytes) -> bytes:
    return block


def _transcoder(path: Path) -> Callable[[bytes], bytes]:
    """Makes csv of blocks of DBN; of the empty block, the end."""
    dbn = _dbn(path)
    out = io.BytesIO()
    transcoder = dbn.Transcoder(
        out, dbn.Encoding.CSV, dbn.Compression.NONE, pretty_px=True, pretty_ts=False
    )
    is_checked = False

    def convert(block: bytes) -> bytes:
        nonlocal is_checked
        try:
            transcoder.write(block)
            transcoder.flush()
        except (dbn.DBNError, OSError, ValueError) as error:
            raise DataError(f"{path}: is damaged, or not DBN ({error})") from error
        if not block and transcoder.buffer():
            raise DataError(f"{path}: ends in the middle of a record: download it again")
        text = out.getvalue()
        out.seek(0)
        out.truncate()
        if not is_checked and text:
            is_checked = True
            if b",open,high,low,close," not in text.partition(b"\n")[0]:
                raise DataError(f"{path}: its schema is not of bars: download ohlcv-1m")
        return text

    return convert


class _JsonRows:
    """Makes csv of blocks of JSON lines."""

    def __init__(self, path: Path) -> None:
        self._path, self._line, self._rest = path, 0, b""

    def __call__(self, block: bytes) -> bytes:
        lines = (self._rest + block).split(b"\n")
        self._rest = lines.pop() if block else b""
        rows = [] if self._line else [",".join((*_HEADER, *_VALUES))]
        rows += [self._row(line) for line in lines if line.strip() or self._line]
        return "".join(f"{row}\n" for row in rows).encode()

    def _row(self, line: bytes) -> str:
        self._line += 1
        try:
            record = json.loads(line)
            cells = [*(record["hd"].get(name, "") for name in _HEADER)]
            cells += [record.get(name, "") for name in _VALUES]
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            # Counts as a row that cannot be read.
            return line[:80].decode("utf-8", "replace").replace(",", " ")
        return ",".join(str(cell).replace(",", " ").replace("\n", " ") for cell in cells)


def _dbn(path: Path) -> ModuleType:
    try:
        import databento_dbn
    except ImportError as error:
        raise DataError(
            f"{path}: DBN files need Databento's package: pip install 'mlx_muzero[databento]', or"
            " download the data as csv"
        ) from error
    return databento_dbn
