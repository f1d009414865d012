"""Reads a text file in blocks of whole lines, a few megabytes at a time."""

import codecs
from collections.abc import Iterator
from pathlib import Path

from mlx_muzero.errors import DataError
from mlx_muzero.market.importers.fields import Lines
from mlx_muzero.market.importers.packed import open_text

BLOCK_BYTES = 4 << 20


def line_blocks(path: Path) -> Iterator[tuple[Lines, int, int]]:
    """Blocks of lines of a CSV file, plain or zipped, each with bytes read so far and in all.

    Raises:
        DataError: the file cannot be read, or a line is longer than a block.
    """
    with open_text(path) as (stream, size):
        done, line, rest = 0, 1, b""
        while True:
            block = stream.read(BLOCK_BYTES)
            done += len(block)
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
                yield lines, done, size
            if not block:
                return
