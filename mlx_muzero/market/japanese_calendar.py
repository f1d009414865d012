"""Japan's bank holidays and its settlement days.

Holidays follow the Act on National Holidays (Act No. 178 of 1948) with its amendments, and the
special Acts for enthronements, a wedding and the Olympic Games of 2020 and 2021; banks also close
from 31 December to 3 January (Banking Act, article 15 and its Enforcement Order, article 5). The
equinoxes are announced one year ahead; the formula of the Hydrographic Department gives them to
2099.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from mlx_muzero.errors import DataError
from mlx_muzero.types import I64, Bool

Days = npt.NDArray[np.datetime64]

FIRST_YEAR, LAST_YEAR = 1990, 2099
"""Years whose holidays are known."""

GOTOBI = (5, 10, 15, 20, 25, 30)
"""Days of the month on which Japanese firms settle; in February the last one is its last day."""

_FIXED = {
    # (month, day): years from, to
    (1, 1): (1948, 2099),
    (1, 15): (1948, 1999),  # Coming of Age, then the second Monday
    (2, 11): (1967, 2099),
    (2, 23): (2020, 2099),  # the Emperor's birthday
    (4, 29): (1948, 2099),
    (5, 3): (1949, 2099),
    (5, 4): (2007, 2099),
    (5, 5): (1949, 2099),
    (7, 20): (1996, 2002),  # Marine Day, then the third Monday
    (8, 11): (2016, 2099),  # Mountain Day
    (9, 15): (1966, 2002),  # Respect for the Aged, then the third Monday
    (10, 10): (1966, 1999),  # Sports Day, then the second Monday
    (11, 3): (1948, 2099),
    (11, 23): (1948, 2099),
    (12, 23): (1989, 2018),  # the Emperor's birthday until 2018
}
_MONDAYS = {
    # (month, which Monday): years from, to
    (1, 2): (2000, 2099),
    (7, 3): (2003, 2099),
    (9, 3): (2003, 2099),
    (10, 2): (2000, 2099),
}
_MOVED = {
    # Olympic Games: Marine, Sports and Mountain Day
    2020: (("07-20", "07-23"), ("10-12", "07-24"), ("08-11", "08-10")),
    2021: (("07-19", "07-22"), ("10-11", "07-23"), ("08-11", "08-08")),
}
_ONCE = {1990: ("11-12",), 1993: ("06-09",), 2019: ("05-01", "10-22")}
_BANK_DAYS = ((1, 2), (1, 3), (12, 31))
_SUNDAY = 6


def bank_holidays(first_year: int, last_year: int) -> Days:
    """``datetime64[D][n]`` ascending days on which Japan's banks are closed, weekends aside.

    Args:
        first_year: from `FIRST_YEAR` on.
        last_year: up to `LAST_YEAR`.

    Raises:
        DataError: they are outside `FIRST_YEAR` to `LAST_YEAR`.
    """
    if not FIRST_YEAR <= first_year <= last_year <= LAST_YEAR:
        raise DataError(
            f"Japan's holidays are known from {FIRST_YEAR} to {LAST_YEAR}, but there are bars of "
            f"{first_year} to {last_year}: set market.first_utc and market.end_utc, or choose "
            "other market.features"
        )
    days = {day for year in range(first_year, last_year + 1) for day in _of_year(year)}
    return np.array(sorted(days), "M8[D]")


@lru_cache(maxsize=128)
def _of_year(year: int) -> frozenset[np.datetime64]:
    holidays = _national(year)
    # A holiday on a Sunday is made up for on the next day that is none (since 2007; before, the
    # Monday, which was none then).
    for day in sorted(holidays):
        if _weekday(day) == _SUNDAY:
            holidays.add(_first_free(day, holidays))
    # A day between two holidays is one; before 2007 this made 4 May one, too.
    for day in sorted(holidays):
        between = day + 1
        if day + 2 in holidays and between not in holidays and _weekday(between) != _SUNDAY:
            holidays.add(between)
    return frozenset(holidays | {_date(year, month, day) for month, day in _BANK_DAYS})


def _national(year: int) -> set[np.datetime64]:
    found = {
        _date(year, month, day) for (month, day), span in _FIXED.items() if _within(year, span)
    }
    for (month, which), span in _MONDAYS.items():
        if _within(year, span):
            first = _date(year, month, 1)
            found.add(np.busday_offset(first, which - 1, roll="forward", weekmask="Mon"))
    shift = 0.242194 * (year - 1980) - (year - 1980) // 4
    found |= {_date(year, 3, int(20.8431 + shift)), _date(year, 9, int(23.2488 + shift))}
    for before, after in _MOVED.get(year, ()):
        found.remove(np.datetime64(f"{year}-{before}"))
        found.add(np.datetime64(f"{year}-{after}"))
    return found | {np.datetime64(f"{year}-{day}") for day in _ONCE.get(year, ())}


def _first_free(day: np.datetime64, taken: set[np.datetime64]) -> np.datetime64:
    day = day + 1
    while day in taken:
        day = day + 1
    return day


def _within(year: int, span: tuple[int, int]) -> bool:
    return span[0] <= year <= span[1]


def _date(year: int, month: int, day: int) -> np.datetime64:
    return np.datetime64(f"{year:04d}-{month:02d}-{day:02d}")


def _weekday(day: np.datetime64) -> int:
    return int((day.astype(np.int64) + 3) % 7)  # 1970-01-01 was a Thursday; Monday is 0


def business_days(day: I64) -> Bool:
    """``bool[n]`` whether Japan's banks are open on each `day`, ``i64[n]`` days since 1970.

    Raises:
        DataError: as `bank_holidays`.
    """
    return np.is_busday(day.astype("M8[D]"), holidays=_around(day))


def gotobi_days(day: I64) -> Bool:
    """``bool[n]`` whether each `day` ``i64[n]`` since 1970 is a settlement day.

    One on which banks are closed moves to the business day before it.

    Raises:
        DataError: as `bank_holidays`.
    """
    if not len(day):
        return np.zeros(0, np.bool_)
    first, last = (end.astype("M8[D]").astype("M8[M]") for end in (day.min(), day.max()))
    months = np.arange(first, last + 2)
    last_day = (months + 1).astype("M8[D]") - 1
    nominal = [np.minimum(months.astype("M8[D]") + (number - 1), last_day) for number in GOTOBI]
    settled = np.busday_offset(np.concatenate(nominal), 0, roll="backward", holidays=_around(day))
    return np.isin(day, settled.astype(np.int64))


def _around(day: I64) -> Days:
    """The holidays of the years that `day` ``i64[n]`` lies in, and of the two next to them."""
    if not len(day):
        return np.zeros(0, "M8[D]")
    ends = np.array([day.min(), day.max()]).astype("M8[D]").astype("M8[Y]")
    first, last = (int(year) for year in ends.astype(np.int64) + 1970)
    bank_holidays(first, last)
    return bank_holidays(max(first - 1, FIRST_YEAR), min(last + 1, LAST_YEAR))
