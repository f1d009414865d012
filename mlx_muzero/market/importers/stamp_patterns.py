"""Infers from a few times of a file the pattern in which it writes them."""

import re
from collections import Counter
from collections.abc import Iterable

from mlx_muzero.market.importers.fields import EPOCH

ACCEPTED = (
    "YYYY-MM-DD hh:mm[:ss], with T, Z or an offset if need be, YYYYMMDD hhmmss,"
    " DD.MM.YYYY, DD/MM/YYYY or MM/DD/YYYY hh:mm:ss, or a count since 1970"
)
"""The times that can be read, in words."""

_EPOCH = re.compile(r"(?:\d{9,10}|\d{12,13}|\d{15,16}|\d{18,19})(?:\.0+)?")
_YEAR_FIRST = r"(?P<year_first>\d{4}(?P<mark>[-./]?)\d\d(?P=mark)\d\d)"
_YEAR_LAST = r"(?P<year_last>\d\d(?P<dot>[./])\d\d(?P=dot)\d{4})"
_DATE = f"{_YEAR_FIRST}|{_YEAR_LAST}"
_TIME = r"(?P<time>\d\d(?P<colon>:?)\d\d(?:(?P=colon)\d\d)?)(?P<fraction>[.,]\d{1,9})?"
_ZONE = r"(?P<space> ?)(?P<zone>Z|(?:UTC|GMT)?[-+]\d\d(?::?\d\d)?|UTC|GMT)"
_MOMENT = re.compile(rf"(?:{_DATE})(?P<gap>[ T,;\t])(?:{_TIME})(?:{_ZONE})?")
_DAY = re.compile(_DATE)
_TIME_OF_DAY = re.compile(_TIME)
_DIGITS = re.compile(r"\d")


def moment_pattern(texts: Iterable[str], of_ticks: bool = False) -> str | None:
    """The pattern (see `fields.stamps`) of most of `texts`, dates with times; None if unknown.

    Args:
        texts: the times.
        of_ticks: whether they may have fractions of a second.
    """
    return _commonest(_moment(text, of_ticks) for text in texts)


def readings(pattern: str) -> tuple[str, ...]:
    """The patterns that `pattern` may mean: 01/02/2021 has its day or its month first."""
    return tuple(dict.fromkeys((pattern, pattern.replace("DD/MM", "MM/DD"))))


def day_pattern(texts: Iterable[str]) -> str | None:
    """The pattern of most of `texts`, dates without a time; None if unknown."""
    matches = (_DAY.fullmatch(text) for text in texts)
    return _commonest(_date(match) if match else None for match in matches)


def time_pattern(texts: Iterable[str], of_ticks: bool = False) -> str | None:
    """The pattern of most of `texts`, times of a day; see `moment_pattern`."""
    matches = (_TIME_OF_DAY.fullmatch(text) for text in texts)
    return _commonest(_time(match, of_ticks) if match else None for match in matches)


def _commonest(patterns: Iterable[str | None]) -> str | None:
    known = Counter(pattern for pattern in patterns if pattern is not None)
    return known.most_common(1)[0][0] if known else None


def _moment(text: str, of_ticks: bool) -> str | None:
    if _EPOCH.fullmatch(text):
        return EPOCH
    match = _MOMENT.fullmatch(text)
    if match is None:
        return None
    zone = match["zone"] or ""
    if zone[-5:-4] in ("+", "-"):
        zone = f"{zone[:-5]}±HHII"
    elif zone[-6:-5] in ("+", "-"):
        zone = f"{zone[:-6]}±HH:II"
    elif zone[-3:-2] in ("+", "-"):
        zone = f"{zone[:-3]}±HH"  # as databases write it
    # M would mean a month's digit.
    zone = zone.replace("GMT", "G*T")
    return f"{_date(match)}{match['gap']}{_time(match, of_ticks)}{match['space'] or ''}{zone}"


def _date(match: re.Match[str]) -> str:
    if match["year_last"]:
        return match["dot"].join(("DD", "MM", "YYYY"))
    return match["mark"].join(("YYYY", "MM", "DD"))


def _time(match: re.Match[str], of_ticks: bool) -> str:
    parts = ("hh", "mm", "ss")[: len(_DIGITS.findall(match["time"])) // 2]
    # A whole minute has no fraction of a second.
    fraction = _DIGITS.sub("f" if of_ticks else "0", match["fraction"] or "")
    return match["colon"].join(parts) + fraction
