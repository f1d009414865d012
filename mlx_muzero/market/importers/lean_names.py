"""Reads what the names and folders of LEAN's zips say of their content.

The day and the symbol are in the name of the file in the zip; the kind of security and the market,
on which the scale of prices and the clock depend, are in the folders.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mlx_muzero.errors import DataError
from mlx_muzero.market.importers.file_names import symbol_in_file
from mlx_muzero.symbols.symbol import Symbol

_NAME = re.compile(
    r"(?P<day>\d{8})_(?P<symbol>[a-z0-9.]+)_(?P<resolution>tick|second|minute)_"
    r"(?P<kind>trade|quote)(?P<contract>_\w+)?\.csv",
    re.IGNORECASE | re.ASCII,
)
_PLACE = re.compile(
    r"(?P<security>[a-z]+)/(?P<market>[a-z0-9]+)/minute/[^/]+/[^/]+\Z",
    re.IGNORECASE | re.ASCII,
)
_OUTER = re.compile(r"(?P<day>\d{8})_(?P<kind>trade|quote)\.zip", re.IGNORECASE | re.ASCII)

_UNSCALED = ("forex", "crypto", "cryptofuture", "cfd")
"""Securities whose prices are as traded; those of others are in ten-thousandths."""
_CLOCKS = {"fxcm": "UTC-5"}


@dataclass(frozen=True)
class LeanName:
    """What the names and folders of a zip say.

    Attributes:
        day_ns: the midnight from which its times count, on its clock.
        symbol: the symbol.
        kind: "trade" or "quote".
        clock: its clock, None if its folders do not tell.
    """

    day_ns: int
    symbol: Symbol
    kind: str
    clock: str | None


def is_lean(name: str) -> bool:
    """Whether LEAN names a file so, in one of its zips."""
    return _NAME.fullmatch(name) is not None


def is_lean_quote(path: Path) -> bool:
    """Whether LEAN names a zip of quotes so."""
    outer = _OUTER.fullmatch(path.name)
    return outer is not None and outer["kind"].lower() == "quote"


def lean_name(path: Path, name: str) -> LeanName:
    """What is said of the file `name` in the zip at `path`.

    Raises:
        DataError: it does not hold minute bars of currencies or coins, or names and folders do not
            tell.
    """
    found = _NAME.fullmatch(name)
    if found is None:
        raise DataError(
            f"{path}: {name[:80]!a} is not a name that LEAN gives: it is as"
            " 20240102_eurusd_minute_quote.csv"
        )
    if found["resolution"].lower() != "minute":
        raise DataError(
            f"{path}: it holds LEAN's {found['resolution']} data: take the zip of its minute folder"
        )
    outer = _OUTER.fullmatch(path.name)
    if outer and outer["day"] != found["day"]:
        raise DataError(f"{path}: its name says another day than {name}, which it holds")
    day = found["day"]
    try:
        start = np.datetime64(f"{day[:4]}-{day[4:6]}-{day[6:]}", "ns")
    except ValueError as error:
        raise DataError(f"{path}: {name} names no day ({error})") from error
    symbol = symbol_in_file(path, found["symbol"])
    if (found["contract"] or "").lower() == "_perp" and symbol.endswith("USD"):
        # Priced in dollars, and settled in the coin.
        symbol = symbol_in_file(path, f"{symbol}_PERP")
    day_ns = int(start.astype(np.int64))
    return LeanName(day_ns, symbol, found["kind"].lower(), _clock(path, symbol))


def _clock(path: Path, symbol: Symbol) -> str | None:
    """The clock of the file, None if its folders do not tell."""
    place = _PLACE.search(path.absolute().as_posix())
    pair = symbol.pair
    if place is None:
        if pair is None or not (pair.of_currencies or pair.of_coins):
            raise DataError(
                f"{path}: nothing tells whether the prices of {symbol} are scaled: keep it under"
                " LEAN's folders, such as forex/oanda/minute/eurusd"
            )
        return None if pair.of_currencies else "UTC"
    security = place["security"].lower()
    if security not in _UNSCALED:
        raise DataError(
            f"{path}: it lies in LEAN's folder {security}; of LEAN's data only"
            f" {', '.join(_UNSCALED)} can be imported"
        )
    return _CLOCKS.get(place["market"].lower(), "UTC")
