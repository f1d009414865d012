"""Finds the header of a text file of bars, and from it and the first rows the file's layout.

A file whose columns have usual names needs no format of its own. Those of two tools are told apart
because their peculiarities are known: MetaTrader 5's (times on the broker's clock, even where they
count from 1970; a spread in points) and Dukascopy's (a flat bar for a minute without a tick).
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlx_muzero.errors import DataError
from mlx_muzero.market.bars import PRICE_COLUMNS
from mlx_muzero.market.clocks import parse_clock
from mlx_muzero.market.importers.column_names import (
    CHOSEN,
    MID_NOTE,
    OF_BARS,
    SYMBOL,
    TIME,
    Wanted,
    chosen_fields,
    plain,
    time_fields,
    value_fields,
    zone_named,
)
from mlx_muzero.market.importers.fields import is_zoned
from mlx_muzero.market.importers.stamp_patterns import (
    ACCEPTED,
    day_pattern,
    moment_pattern,
    readings,
    time_pattern,
)
from mlx_muzero.market.importers.text_layout import Spread, TextLayout

CSV = "csv"
TICKS = "ticks"
MT5 = "mt5"
JFOREX = "jforex"
DATABENTO = "databento"
NAMED_FORMATS = {
    MT5: "MetaTrader 5: header <DATE> <TIME> <OPEN> ... <SPREAD>, or as in its Python API",
    JFOREX: "Dukascopy: header Gmt time,Open,High,Low,Close,Volume or Time (EET),...",
    DATABENTO: "Databento ohlcv-1m: DBN, csv or JSON, with ts_event, rtype, publisher_id, ...",
    CSV: "csv or tsv: a header that names a time, open, high, low, close, or --columns",
}
"""Formats whose header names the columns, each with a one-line description."""

_DELIMITERS = "\t;,|"
# A header may follow a line with the address of a web site, or the title of a report.
_HEADER_WITHIN = 20
_SAMPLED = 1000
_MT5_RATES = {"tick_volume", "spread", "real_volume"}
_INSTRUMENT = "instrument_id"
DATABENTO_COLUMNS = frozenset({"ts_event", "rtype", "publisher_id", _INSTRUMENT})
"""The first columns of every table of Databento."""
NANO = 1e9
"""What Databento's whole numbers of prices are divided by."""
_DECIMAL_COMMA = re.compile(r"\d+,\d+")
_JFOREX_TIME = re.compile(r"(?:Gmt|Local) time|Time \([A-Za-z]+\)", re.IGNORECASE)
_JFOREX_COLUMNS = (*PRICE_COLUMNS, "volume")


@dataclass(frozen=True)
class Header:
    """The header of a text file of bars.

    Attributes:
        names: the columns' names as written.
        delimiter: the delimiter.
        first_line: line number of the first row.
        times: fields that may hold the time, the likeliest first.
        values: the field of each wanted column.
        wanted: the columns that were looked for.
    """

    names: list[str]
    delimiter: str
    first_line: int
    times: list[int]
    values: dict[str, int]
    wanted: Wanted

    @property
    def format(self) -> str:
        """The kind of file that has such a header."""
        if self.wanted.of_ticks:
            return TICKS
        plains = [plain(name) for name in self.names]
        if (self.names[0].startswith("<") and "tickvol" in plains) or {*plains} >= _MT5_RATES:
            return MT5
        if tuple(plains[1:]) == _JFOREX_COLUMNS and _JFOREX_TIME.fullmatch(self.names[0]):
            return JFOREX
        return DATABENTO if {*plains} >= DATABENTO_COLUMNS else CSV


def find_header(
    text: str, wanted: Wanted = OF_BARS, chosen: Mapping[str, str] | None = None
) -> Header | None:
    """The header among the first lines of `text`; None if none names the columns needed.

    Args:
        text: the beginning of the file.
        wanted: the columns.
        chosen: columns by name or number that the user named, by what they hold.
    """
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    for place, (number, line) in enumerate(lines[:_HEADER_WITHIN]):
        for delimiter in _DELIMITERS:
            names = _cells(line, delimiter)
            below = [_cells(later, delimiter) for _, later in lines[place + 1 : place + 3]]
            found = _header(names, delimiter, number, below, wanted, chosen or {})
            if found is not None:
                return found
    return None


def naming_columns(wanted: Wanted = OF_BARS) -> str:
    """The option that says which columns of a file hold what, to be filled in."""
    return f"--columns {','.join(f'{column}=NAME' for column in (TIME, *wanted.needed))}"


def named_layout(
    path: Path, text: str, chosen: Mapping[str, str], wanted: Wanted = OF_BARS
) -> TextLayout:
    """The layout of the file at `path`, which begins with `text`.

    Args:
        path: the file.
        text: its beginning.
        chosen: columns by name or number that the user named, by what they hold.
        wanted: the columns to look for.

    Raises:
        DataError: no header names the columns, or its times cannot be read.
    """
    _require_columns(chosen, (TIME, *wanted.names))
    header = find_header(text, wanted, chosen)
    if header is None:
        first = next((line for line in text.splitlines() if line.strip()), "")
        needed = wanted.needed
        missing = (
            f"no columns {', '.join(f'{k}={v}' for k, v in chosen.items())}"
            if chosen
            else f"no header that names a time, {', '.join(needed[:-1])} and {needed[-1]}"
        )
        raise DataError(
            f"{path}:1: {missing} (first line {first[:80]!r}): name its columns with"
            f" {naming_columns(wanted)}"
        )
    rows = _sampled(text, header)
    if comma := header.delimiter != "," and any(
        _DECIMAL_COMMA.fullmatch(row[header.values[wanted.needed[-1]]]) for row in rows
    ):
        rows = [[cell.replace(",", ".") for cell in row] for row in rows]
    if not rows:
        raise DataError(f"{path}:{header.first_line}: no row follows the header")
    is_quoted = '"' in text
    time, pattern = _time(path, header, rows, is_quoted)
    kind = header.format
    values = dict(header.values)
    symbol = values.pop(SYMBOL, None)
    if symbol is None and kind == DATABENTO:
        symbol = [plain(name) for name in header.names].index(_INSTRUMENT)
    if symbol is not None:
        values |= _volumes_by_coin(header.names, rows[0][symbol], values)
    clock = zone_named(header.names[time[0]])[1]
    spread = _spread(header, rows, values) if kind == MT5 else None
    return TextLayout(
        delimiter=header.delimiter.encode(),
        fields=len(rows[0]),
        time=time,
        columns=values,
        patterns=readings(pattern),
        first_line=header.first_line,
        clock=clock if clock and _is_clock(clock) else None,
        symbol=symbol,
        spread=spread,
        is_quoted=is_quoted,
        has_decimal_comma=comma,
        is_named=True,
        leaves_flats=kind == JFOREX,
        price_unit=NANO if kind == DATABENTO and _are_whole(rows, values) else 1.0,
        times_in_utc=kind != MT5,
        carries_blanks=kind == TICKS and header.names[0].startswith("<"),
        notes=_notes(header, time, values, symbol, spread),
    )


def parse_columns(text: str) -> dict[str, str]:
    """The columns that a user named as ``time=Stamp,open=Erster``, by what they hold.

    Raises:
        DataError: `text` is not of that form.
    """
    parts = [part.partition("=") for part in text.split(",")]
    chosen = {column.strip(): name.strip() for column, _, name in parts}
    _require_columns(chosen, CHOSEN)
    return chosen


def _require_columns(chosen: Mapping[str, str], known: tuple[str, ...]) -> None:
    for column, name in chosen.items():
        if column not in known or not name:
            raise DataError(
                f"columns {f'{column}={name}'!r}: write COLUMN=NAME or COLUMN=NUMBER, separated by"
                f" commas; a COLUMN is {', '.join(known)}"
            )


def _header(
    names: list[str],
    delimiter: str,
    number: int,
    below: list[list[str]],
    wanted: Wanted,
    chosen: Mapping[str, str],
) -> Header | None:
    if len(names) < len(wanted.needed) + 1:
        return None
    try:
        given = chosen_fields(names, chosen)
    except KeyError:
        return None
    values = value_fields(names, wanted) | given
    times = [values.pop(TIME)] if TIME in values else time_fields(names)
    if not {*wanted.needed} <= values.keys():
        return None
    first_line = number + 1
    if not times:
        # Files of yfinance name the time in a line below, in which nothing else stands.
        for depth, cells in enumerate(below, 1):
            if time_fields(cells[:1]) and not any(cells[1:]):
                times, first_line = [0], number + depth + 1
    if not times:
        return None
    first_time = [names[times[0]]]
    if moment_pattern(first_time) or day_pattern(first_time):
        first_line = number  # columns given by number, and no header
    return Header(names, delimiter, first_line, times, values, wanted)


def _cells(line: str, delimiter: str) -> list[str]:
    return [cell.strip().strip('"').strip() for cell in line.split(delimiter)]


def _sampled(text: str, header: Header) -> list[list[str]]:
    """The cells of the first rows that have as many as most."""
    # The text may end in the middle of a row.
    lines = text.splitlines()[header.first_line - 1 :]
    lines = lines if text.endswith("\n") else lines[:-1] or lines
    rows = [_cells(line, header.delimiter) for line in lines[:_SAMPLED] if line.strip()]
    usual = Counter(len(row) for row in rows if len(row) >= len(header.names)).most_common(1)
    return [row for row in rows if len(row) == usual[0][0]] if usual else []


def _time(
    path: Path, header: Header, rows: list[list[str]], is_quoted: bool
) -> tuple[tuple[int, int], str]:
    """First and last field of the time, and its pattern."""
    between = f'"{header.delimiter}"' if is_quoted else header.delimiter
    found = []
    of_ticks = header.wanted.of_ticks
    for field in header.times:
        pattern = moment_pattern((row[field] for row in rows), of_ticks)
        if pattern is not None:
            found.append(((field, field), pattern))
    for field in header.times:
        day = day_pattern(row[field] for row in rows)
        if day is None:
            continue
        beside = field + 1 if field + 1 < len(rows[0]) else field
        of_day = time_pattern((row[beside] for row in rows), of_ticks)
        if of_day is not None:
            found.append(((field, beside), f"{day}{between}{of_day}"))
        else:
            found.append(((field, field), day))
    if not found:
        field = header.times[0]
        raise DataError(
            f"{path}:{header.first_line}: the time {rows[0][field]!r} in column"
            f" {header.names[field]} cannot be read: write it as {ACCEPTED}"
        )
    # The same time may be given with a zone and without.
    return next((one for one in found if is_zoned(one[1])), found[0])


def _volumes_by_coin(names: list[str], symbol: str, values: Mapping[str, int]) -> dict[str, int]:
    """Columns as "Volume BTC" and "Volume USDT", which CryptoDataDownload has instead of volume."""
    if "volume" in values:
        return {}
    found = {}
    pair = plain(symbol).replace("_", "")
    for field, name in enumerate(names):
        coin = plain(name).removeprefix("volume_")
        if coin == plain(name) or not coin:
            continue
        if pair.startswith(coin):
            found["volume"] = field
        elif pair.endswith(coin):
            found["quote_volume"] = field
    return found


def _spread(header: Header, rows: list[list[str]], values: Mapping[str, int]) -> Spread | None:
    plains = [plain(name) for name in header.names]
    if "spread" not in plains:
        return None
    prices = [row[values[name]] for row in rows for name in PRICE_COLUMNS]
    return Spread(plains.index("spread"), max(map(_decimals, prices)))


def _are_whole(rows: list[list[str]], values: Mapping[str, int]) -> bool:
    """Whether no price has a decimal point."""
    return all(row[values[name]].isdecimal() for row in rows for name in PRICE_COLUMNS)


def _decimals(price: str) -> int:
    """Number of decimals of a price; 1.1445400000000001 has five, and an error of rounding."""
    try:
        return len(f"{float(price):.10g}".partition(".")[2])
    except ValueError:
        return 0


def _is_clock(zone: str) -> bool:
    try:
        parse_clock(zone)
    except DataError:
        return False
    return True


def _notes(
    header: Header,
    time: tuple[int, int],
    values: Mapping[str, int],
    symbol: int | None,
    spread: Spread | None,
) -> list[str]:
    notes = []
    used = {*range(time[0], time[1] + 1), *values.values()}
    used |= {symbol} if symbol is not None else set()
    if spread is not None:
        used.add(spread.field)
        notes.append(
            "ask prices are the bid plus the spread, in points of"
            f" {spread.point:.{spread.digits}f}; a spread of 0 counts as unknown"
        )
    unused = [name for field, name in enumerate(header.names) if field not in used and name]
    if unused:
        notes.append(f"columns not used: {', '.join(unused)}")
    if "mid" in plain(header.names[values[header.wanted.needed[-1]]]):
        notes.append(MID_NOTE)
    return notes
