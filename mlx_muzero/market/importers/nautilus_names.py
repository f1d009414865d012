"""What the names in a NautilusTrader catalog tell: instrument, step and side of its bars."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mlx_muzero.errors import DataError
from mlx_muzero.market.importers.file_names import symbol_in_file
from mlx_muzero.symbols.symbol import Symbol

_BAR_TYPE = re.compile(
    r"(?P<instrument>(?P<symbol>.+)\.(?P<venue>[^.]+))-(?P<step>\d+)-(?P<unit>[A-Z_]+)"
    r"-(?P<side>BID|ASK|MID|LAST|MARK)-(?:EXTERNAL|INTERNAL)(?:@.*)?"
)
# Its catalogs name a file after the times of its first and last value.
_STAMP = r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{9}Z"
_FILE = re.compile(rf"{_STAMP}_{_STAMP}\.parquet")
_KIND = re.compile(r"(?P<symbol>.+)-(?P<kind>PERP|SWAP|SPOT|LINEAR|INVERSE)")


@dataclass(frozen=True)
class BarType:
    """A Nautilus bar type of one minute.

    Attributes:
        instrument: the instrument, with its venue.
        symbol: the symbol.
        side: the prices of its bars.
    """

    instrument: str
    symbol: Symbol
    side: Literal["BID", "ASK", "MID", "LAST", "MARK"]


def bar_type(path: Path, text: str) -> BarType:
    """The bar type that `text`, in the file at `path` or its folder's name, spells.

    Raises:
        DataError: it is none, not of a minute, or its instrument is not a valid symbol.
    """
    found = _BAR_TYPE.fullmatch(text)
    if found is None:
        raise DataError(
            f"{path}: {text[:80]!a} is not a bar type of NautilusTrader: it is as"
            " BTCUSDT.BINANCE-1-MINUTE-LAST-EXTERNAL"
        )
    if (found["step"], found["unit"]) != ("1", "MINUTE"):
        raise DataError(
            f"{path}: its bars are of {found['step']}-{found['unit']}: take those of 1-MINUTE"
        )
    symbol = _symbol(path, found["symbol"])
    return BarType(found["instrument"], symbol, found["side"])  # type: ignore[arg-type]


def folder_bar_type(path: Path) -> str | None:
    """The bar type that the folder of `path` is named after, as catalogs name it, if any."""
    name = path.absolute().parent.name
    return name if _BAR_TYPE.fullmatch(name) else None


def is_nautilus_ask(path: Path) -> bool:
    """Whether `path` lies in a catalog's folder of ask bars."""
    found = _BAR_TYPE.fullmatch(path.absolute().parent.name)
    return found is not None and found["side"] == "ASK"


def is_other_than_bars(path: Path) -> bool:
    """Whether `path` lies in a catalog among what is not bars: instruments, ticks, books."""
    return bool(_FILE.fullmatch(path.name)) and path.absolute().parent.parent.name != "bar"


def _symbol(path: Path, name: str) -> Symbol:
    """The symbol of an instrument, whose name may end in what kind of contract it is."""
    found = _KIND.fullmatch(name)
    if found is None:
        return symbol_in_file(path, name)
    symbol = symbol_in_file(path, found["symbol"])
    # Priced in dollars and settled in the coin; others are named as their pair.
    is_inverse = found["kind"] != "SPOT" and symbol.endswith("USD")
    return symbol_in_file(path, f"{symbol}_PERP") if is_inverse else symbol
