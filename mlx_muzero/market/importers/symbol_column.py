"""The symbols that a file names in a column: which there are, and the rows of each."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from shlex import quote

import numpy as np
import numpy.typing as npt

from mlx_muzero.errors import DataError
from mlx_muzero.market.importers.blocks import line_blocks
from mlx_muzero.market.importers.fields import Fields, Lines, count_fields, unquoted
from mlx_muzero.market.importers.file_names import symbol_in_file, without_suffix
from mlx_muzero.market.importers.packed import TextStream
from mlx_muzero.market.importers.text_layout import TextLayout
from mlx_muzero.market.importers.text_rows import rows_among
from mlx_muzero.symbols.symbol import LONGEST, Symbol
from mlx_muzero.types import I64

# Longer names are no symbols, and are refused for what is left of them.
_WIDEST = LONGEST + 24
_SHOWN = 8
MOST_SYMBOLS = 5000
"""Most symbols in a file; more are not names of instruments."""


def chosen_symbols(path: Path, names: Iterable[str], given: str | None) -> dict[str, Symbol]:
    """The symbols to import from a file that names them, by their names in the file.

    Args:
        path: the file.
        names: the names in the file, each once.
        given: the symbol that the user gave. It picks one of several, by any spelling, or as the
            file writes it, or without its broker's suffix; a file of one symbol is imported as it.

    Raises:
        DataError: a name is not a valid symbol, two names mean the same symbol, or none is `given`.
    """
    names = list(names)
    if given is not None:
        wanted = Symbol(given)
        if len(names) == 1 or given in names:
            return {given if given in names else names[0]: wanted}
        held, names = names, [name for name in names if wanted.is_meant_by(name)]
        if not names:
            named = [
                name for name in held if (pair := without_suffix(name)) and pair.symbol == wanted
            ]
            if len(named) == 1:
                return {named[0]: wanted}
        if not names:
            more = ", ..." if len(held) > _SHOWN else ""
            raise DataError(f"{path}: no symbol {given}; it holds {', '.join(held[:_SHOWN])}{more}")
    found = {name: symbol_in_file(path, name) for name in names}
    first: dict[Symbol, str] = {}
    for name, symbol in found.items():
        other = first.setdefault(symbol, name)
        if other.strip().upper() != name.strip().upper():
            raise DataError(
                f"{path}: {other} and {name} are both {symbol} in a store, which keeps one series"
                f" under a name: import one of them alone with --symbol {quote(other)}, or give"
                " them different names in the file"
            )
    return found


def renamed_note(symbols: Mapping[str, Symbol]) -> list[str]:
    """Says that a file of one symbol is imported under another name, if it is."""
    return [
        f"its symbol is {name}; imported as {symbol}, as requested"
        for name, symbol in symbols.items()
        if not symbol.is_meant_by(name)
    ]


def named_in_text(
    path: Path,
    layout: TextLayout,
    opened: Callable[[Path], AbstractContextManager[TextStream]],
) -> list[str]:
    """The names in a text file's column of symbols, in order.

    Args:
        path: the file.
        layout: where it has its columns.
        opened: opens its text.

    Raises:
        DataError: it names none, or more than `MOST_SYMBOLS`.
    """
    names: dict[str, None] = {}
    for lines, _, _ in line_blocks(path, opened):
        names |= dict.fromkeys(_groups(layout, rows_among(layout, lines)))
        if len(names) > MOST_SYMBOLS:
            raise DataError(
                f"{path}: more than {MOST_SYMBOLS:,} different symbols, such as"
                f" {', '.join(list(names)[:_SHOWN])}: does that column hold symbols?"
            )
    if not names:
        raise DataError(f"{path}:{layout.first_line}: its column of symbols is empty")
    return list(names)


def parts_by_symbol(
    layout: TextLayout, symbols: Mapping[str, Symbol], lines: Lines
) -> Iterator[tuple[Symbol | None, Lines]]:
    """The lines of each symbol in a block of a file.

    Lines in which no symbol can be read count as the first one's, as do those of a file that names
    its one symbol elsewhere.

    Args:
        layout: where the file has its columns.
        symbols: the symbols by name; without any, all lines are of None.
        lines: the block's rows.
    """
    if not symbols:
        yield None, lines
        return
    groups = _groups(layout, lines)
    named = np.zeros(len(lines.number), bool)
    for rows in groups.values():
        named[rows] = True
    first, parts = next(iter(symbols.values())), dict[Symbol, list[I64]]()
    parts[first] = [np.flatnonzero(~named)]
    for name, rows in groups.items():
        if name in symbols:
            parts.setdefault(symbols[name], []).append(rows)
    for symbol, rows_of in parts.items():
        rows = np.sort(np.concatenate(rows_of))
        if len(rows):
            yield symbol, lines.take(rows)


def _groups(layout: TextLayout, lines: Lines) -> dict[str, I64]:
    """The rows among `lines` by the name in their column of symbols, if there is one in it."""
    if layout.symbol is None:
        return {}
    whole = np.flatnonzero(count_fields(lines, layout.delimiter) == layout.fields)
    if not len(whole):
        return {}
    fields = Fields.cut(lines.take(whole), layout.delimiter, layout.fields)
    span = fields.span(layout.symbol)
    texts = _texts(lines, *(unquoted(lines.data, *span) if layout.is_quoted else span))
    names, first, inverse = np.unique(texts, return_index=True, return_inverse=True)
    rows = np.split(whole[np.argsort(inverse, kind="stable")], np.cumsum(np.bincount(inverse))[:-1])
    return {
        name.decode("utf-8", "replace"): rows[k] for k in np.argsort(first) if (name := names[k])
    }


def _texts(lines: Lines, start: I64, end: I64) -> npt.NDArray[np.bytes_]:
    """``bytes[T]`` the texts of the fields from `start` to `end`, cut to `_WIDEST`."""
    width = min(max(int((end - start).max()), 1), _WIDEST)
    at = start[:, None] + np.arange(width)
    cells = np.where(at < end[:, None], lines.data[np.minimum(at, len(lines.data) - 1)], 0)
    return np.ascontiguousarray(cells.astype(np.uint8)).view(f"S{width}")[:, 0]
