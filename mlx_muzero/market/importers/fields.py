"""Vectorised parsing of delimited text: lines, decimal numbers and timestamps from bytes.

A chunk of a file is one uint8 array. Every operation runs over all rows at once, and line numbers
are kept for the report of rejected rows. A decimal of up to 15 digits is an integer below 2**53
over a power of ten below 10**22, so one division rounds it correctly.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from mlx_muzero.timeunits import DAY_NS, SECOND_NS
from mlx_muzero.types import F64, I64, Bool

U8: TypeAlias = npt.NDArray[np.uint8]

_EXACT_DIGITS = 15
_LONGEST_NUMBER = 40
_POWERS = 10.0 ** np.arange(_LONGEST_NUMBER + 1)

EPOCH = "epoch"
"""Stamp pattern: a count since 1970 in a unit from seconds to nanoseconds, told by its size."""

OF_DAY = "of day"
"""Stamp pattern: milliseconds since midnight."""

EPOCH_TEXT = "seconds, milliseconds, microseconds or nanoseconds since 1970"

# Each is the year 5138 in the smaller unit and 1973 in the larger: no minute bar is near either.
_UNITS_FROM = (10**11, 10**14, 10**17)
_NS_PER_UNIT = np.array([10**9, 10**6, 10**3, 1])
_MS_NS = 10**6
_LAST_SECOND = (2**63 - 1) // SECOND_NS
_LONGEST_COUNT = 19


@dataclass(frozen=True)
class Lines:
    """Whole lines of a file.

    Attributes:
        data: ``u8[bytes]`` the chunk.
        start: ``i64[T]`` first byte of each nonblank line.
        end: ``i64[T]`` end of each line, exclusive, without the line break.
        number: ``i64[T]`` 1-based line number in the file.
        total: number of lines in the chunk, including blank ones.
    """

    data: U8
    start: I64
    end: I64
    number: I64
    total: int

    @classmethod
    def split(cls, chunk: bytes, first_number: int) -> "Lines":
        """The lines of `chunk`, which starts at line `first_number` of the file."""
        data = np.frombuffer(chunk, np.uint8)
        breaks = np.flatnonzero(data == ord("\n"))
        if len(data) and data[-1] != ord("\n"):
            breaks = np.append(breaks, len(data))
        start = np.concatenate([[0], breaks[:-1] + 1]).astype(np.int64)[: len(breaks)]
        end = breaks - ((breaks > start) & (data[breaks - 1] == ord("\r")))
        number = first_number + np.arange(len(breaks))
        full = end > start
        return cls(data, start[full], end[full], number[full], len(breaks))

    def text(self, row: int, longest: int = 80) -> str:
        """The text of line `row`, truncated to `longest` characters."""
        line = self.data[self.start[row] : self.end[row]].tobytes().decode("utf-8", "replace")
        return line if len(line) <= longest else line[: longest - 3] + "..."

    def take(self, rows: I64 | Bool) -> "Lines":
        """The chosen rows."""
        return Lines(self.data, self.start[rows], self.end[rows], self.number[rows], self.total)


@dataclass(frozen=True)
class Fields:
    """Lines split at a delimiter, all with the same number of fields.

    Attributes:
        lines: the T lines.
        delimiters: ``i64[T, fields - 1]`` positions of the delimiters.
    """

    lines: Lines
    delimiters: I64

    @classmethod
    def cut(cls, lines: Lines, delimiter: bytes, fields: int) -> "Fields":
        """Split lines that all have `fields` fields (see `count_fields`)."""
        positions = np.flatnonzero(lines.data == ord(delimiter))
        first = np.searchsorted(positions, lines.start)
        return cls(lines, positions[first[:, None] + np.arange(fields - 1)])

    def span(self, first: int, last: int | None = None) -> tuple[I64, I64]:
        """Start and end bytes of fields `first` to `last` (inclusive), with delimiters between."""
        last = first if last is None else last
        lines, columns = self.lines, self.delimiters.shape[1]
        start = self.delimiters[:, first - 1] + 1 if first else lines.start
        end = self.delimiters[:, last] if last < columns else lines.end
        return start, end


def unquoted(data: U8, start: I64, end: I64) -> tuple[I64, I64]:
    """Start and end bytes of fields without quotes around them or around their line."""
    opened = (start < end) & (data[np.minimum(start, len(data) - 1)] == ord('"'))
    start = start + opened
    closed = (start < end) & (data[np.minimum(end - 1, len(data) - 1)] == ord('"'))
    return start, end - closed


def count_fields(lines: Lines, delimiter: bytes) -> I64:
    """``i64[T]`` number of fields in each line."""
    positions = np.flatnonzero(lines.data == ord(delimiter))
    return np.searchsorted(positions, lines.end) - np.searchsorted(positions, lines.start) + 1


def decimals(data: U8, start: I64, end: I64) -> tuple[F64, Bool]:
    """Parse decimal numbers, correctly rounded.

    Args:
        data: the bytes.
        start: ``i64[T]`` first byte of each number.
        end: ``i64[T]`` end of each number, exclusive.

    Returns:
        ``f64[T]`` values, and ``bool[T]`` whether each is a number (its value is 0 if not).
    """
    mantissa = np.zeros(len(start), np.int64)
    digits = np.zeros(len(start), np.int8)
    fraction = np.zeros(len(start), np.int8)
    dots = np.zeros(len(start), np.int8)
    plain = end - start <= _LONGEST_NUMBER
    width = int((end - start)[plain].max(initial=0))
    for j in range(width):
        at = start + j
        inside = at < end
        byte = data[np.minimum(at, len(data) - 1)]
        digit = inside & (byte - ord("0") < 10)
        dot = inside & (byte == ord("."))
        # Beyond 15 digits the mantissa may overflow; those rows take the slow path below.
        mantissa = np.where(digit, mantissa * 10 + (byte - ord("0")), mantissa)
        digits += digit
        fraction += digit & (dots > 0)
        dots += dot
        plain &= digit | dot | ~inside
    plain &= (digits > 0) & (digits <= _EXACT_DIGITS) & (dots <= 1)
    values = mantissa / _POWERS[fraction]
    known = plain.copy()
    for row in np.flatnonzero(~plain):
        try:
            values[row] = float(data[start[row] : end[row]].tobytes())
            known[row] = True
        except ValueError:
            values[row] = 0.0
    return values, known


def pattern_text(pattern: str) -> str:
    """A stamp pattern in words."""
    if pattern == EPOCH:
        return EPOCH_TEXT
    if pattern == OF_DAY:
        return "milliseconds since midnight"
    return pattern.replace("±HH", "+hh").replace("II", "mm").replace("G*T", "GMT")


def is_zoned(pattern: str) -> bool:
    """Whether a stamp of that pattern identifies a moment in UTC."""
    return pattern == EPOCH or "±" in pattern or pattern.endswith(("Z", "UTC", "G*T"))


def stamps(data: U8, start: I64, end: I64, pattern: str) -> tuple[I64, Bool]:
    """Parse timestamps of one fixed pattern.

    Args:
        data: the bytes.
        start: ``i64[T]`` first byte of each stamp.
        end: ``i64[T]`` end of each stamp, exclusive.
        pattern: Y M D h m s for the digits of date and time, f for those of a fraction of a second,
            ± H I for sign, hours and minutes of a UTC offset, * for any byte, anything else
            literally; or `EPOCH` or `OF_DAY`.

    Returns:
        ``i64[T]`` nanoseconds since 1970 (UTC if the pattern has an offset or is `EPOCH`), or since
        midnight, and ``bool[T]`` whether each stamp fits the pattern and is a valid time.
    """
    if pattern == EPOCH:
        count, known = _counts(data, start, end)
        times, is_time = epoch_ns(count)
        return times, known & is_time
    if pattern == OF_DAY:
        count, known = _counts(data, start, end)
        known &= (count >= 0) & (count < DAY_NS // _MS_NS)
        return np.where(known, count, 0) * _MS_NS, known
    known = end - start == len(pattern)
    parts = {letter: np.zeros(len(start), np.int64) for letter in "YMDhmsfHI"}
    sign = np.ones(len(start), np.int64)
    for j, letter in enumerate(pattern):
        byte = data[np.minimum(start + j, len(data) - 1)]
        if letter in parts:
            digit = byte - ord("0")
            known &= digit < 10
            parts[letter] = parts[letter] * 10 + digit
        elif letter == "±":
            known &= (byte == ord("+")) | (byte == ord("-"))
            sign = np.where(byte == ord("-"), -1, 1)
        elif letter != "*":
            known &= byte == ord(letter)
    known &= (parts["Y"] >= 1900) & (parts["Y"] < 2200) & (parts["M"] >= 1) & (parts["M"] <= 12)
    months = np.where(known, (parts["Y"] - 1970) * 12 + parts["M"] - 1, 0).astype("M8[M]")
    first_day = months.astype("M8[D]").astype(np.int64)
    month_days = (months + 1).astype("M8[D]").astype(np.int64) - first_day
    known &= (parts["D"] >= 1) & (parts["D"] <= month_days)
    known &= (parts["h"] < 24) & (parts["m"] < 60) & (parts["s"] < 60)
    minutes = ((first_day + parts["D"] - 1) * 24 + parts["h"]) * 60 + parts["m"]
    minutes -= sign * (parts["H"] * 60 + parts["I"])
    fraction_ns = parts["f"] * 10 ** (9 - pattern.count("f"))
    return (minutes * 60 + parts["s"]) * SECOND_NS + fraction_ns, known


def epoch_ns(count: I64) -> tuple[I64, Bool]:
    """Convert counts since 1970 in a unit from seconds to nanoseconds, told by their size.

    Returns:
        ``i64[T]`` nanoseconds since 1970, and ``bool[T]`` whether each count is a time.
    """
    unit = np.searchsorted(_UNITS_FROM, count, side="right")
    known = (count > 0) & ((unit > 0) | (count <= _LAST_SECOND))
    return np.where(known, count, 0) * _NS_PER_UNIT[unit], known


def _counts(data: U8, start: I64, end: I64) -> tuple[I64, Bool]:
    """Parse whole numbers exactly, even those beyond 2**53; 5.0 is whole, too."""
    count = np.zeros(len(start), np.int64)
    known = (end > start) & (end - start <= _LONGEST_COUNT)
    for j in range(int((end - start)[known].max(initial=0))):
        inside = start + j < end
        digit = data[np.minimum(start + j, len(data) - 1)] - ord("0")
        known &= (digit < 10) | ~inside
        # 19 digits may exceed 2**63; the result is negative then, which is no count.
        count = np.where(inside, count * 10 + digit, count)
    others = np.flatnonzero(~known)
    if len(others):
        values, known[others] = decimals(data, start[others], end[others])
        count[others] = np.where(np.abs(values) < 2.0**63, values, 0.0).astype(np.int64)
        known[others] &= values == count[others]
    return count, known
