"""Reads a text file in blocks of whole lines, a few megabytes at a time."""

import codecs
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from mlx_muzero.errors import DataError
from mlx_muzero.market.importers.fields import Lines
from mlx_muzero.market.importers.packed import TextStream, open_text

BLOCK_BYTES = 4 << 20


def line_blocks(
    path: Path, opened: Callable[[Path], AbstractContextManager[TextStream]] = open_text
) -> Iterator[tuple[Lines, int, int]]:
    """Blocks of lines of a text file, each with how much has been read so far and in all.

    Args:
        path: the file.
        opened: opens its text.

    Raises:
        DataError: the file cannot be read, or a line is longer than a block.
    """
    with opened(path) as stream:
        line, rest = 1, b""
        while True:
            block = stream.read(BLOCK_BYTES)
            text = rest + block
            cut = len(text) if not block else text.rfind(b"\n") + 1
            text, rest = text[:cut], text[cut:]
            if len(rest) > BLOCK_BYTES:
                raise DataError(f"{path}:{line}: a line has more than {len(rest)} bytes")
            if text:
                if line == 1:
                    text = text.removeprefix(codecs.BOM_UTF8)
                lines = Lines.split(text, line)
                line += lines.total
                yield lines, stream.done, stream.size
            if not block:
                return
