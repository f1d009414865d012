"""Opens JSON that is a list of lists, each a row, as lines of delimited text."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlx_muzero.market.importers.packed import TextStream, open_text

_BLANKS = b"[ \t\r\n"


class _Rows:
    """Removes what opens a row and ends every row in a line break."""

    def __init__(self, stream: TextStream) -> None:
        self._stream, self._rest = stream, b""

    def read(self, size: int) -> bytes:
        while True:
            block = self._stream.read(size)
            text = self._rest + block.translate(None, _BLANKS)
            if block and not text.endswith(b"]"):
                cut = text.rfind(b"],") + 2 if b"]," in text else 0
            else:
                # Whether a comma follows the last bracket, the next block shows.
                cut = len(text) - (1 if block else 0)
            text, self._rest = text[:cut], text[cut:]
            if text or not block:
                return text.replace(b"],", b"\n").replace(b"]", b"\n")


@contextmanager
def open_json_rows(path: Path) -> Iterator[TextStream]:
    """The rows of a JSON file, packed or not, each a line with its values separated by commas.

    Raises:
        DataError: as `open_text`.
    """
    with open_text(path) as stream:
        yield TextStream(_Rows(stream), stream.size, lambda: stream.done)
