"""Where a text file of bars has its time and its columns."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlx_muzero.market.importers.fields import is_zoned


@dataclass(frozen=True)
class Spread:
    """A column that holds the spread in points, the price's smallest step.

    Attributes:
        field: its field.
        digits: decimals of a price.
    """

    field: int
    digits: int

    @property
    def point(self) -> float:
        """The smallest step of a price."""
        return 10.0**-self.digits


@dataclass(frozen=True)
class TextLayout:
    """Where one text file has its time and its columns.

    Attributes:
        delimiter: the delimiter, one character.
        fields: number of fields in a row.
        time: first and last field of the time.
        columns: the field of each store column.
        patterns: possible patterns of the time (see `fields.stamps`).
        first_line: line number of the first row.
        day_ns: the midnight from which times count, if they do, on the file's clock.
        clock: the clock that the header names.
        symbol: the field of the symbol, if there is one.
        spread: the spread, from which ask prices follow.
        is_quoted: whether fields may be in quotes.
        has_decimal_comma: whether numbers have a decimal comma.
        is_named: whether the header names the columns, so that anyone may have written the file:
            its rows come in any order, and a blank that is no price is unknown.
        leaves_flats: whether bars without a tick, flat with a volume of zero, are left out.
        times_in_utc: whether times that count from 1970 or have an offset are UTC.
        carries_blanks: whether a blank number of a tick is that of the tick before, as MetaTrader 5
            writes it.
        price_unit: what prices are divided by.
        notes: what the user should know.
    """

    delimiter: bytes
    fields: int
    time: tuple[int, int]
    columns: Mapping[str, int]
    patterns: tuple[str, ...]
    first_line: int = 1
    day_ns: int = 0
    clock: str | None = None
    symbol: int | None = None
    spread: Spread | None = None
    is_quoted: bool = False
    has_decimal_comma: bool = False
    is_named: bool = False
    leaves_flats: bool = False
    times_in_utc: bool = True
    carries_blanks: bool = False
    price_unit: float = 1.0
    notes: list[str] = field(default_factory=list)

    def is_zoned(self, pattern: str) -> bool:
        """Whether a time of that pattern identifies its moment in UTC."""
        return self.times_in_utc and is_zoned(pattern)
