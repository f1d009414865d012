"""Finds the columns of a bar in a header by the names that tools commonly use."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mlx_muzero.market.bars import PRICE_COLUMNS

MID_NOTE = "its prices are halfway between bid and ask, and are taken as bids"
TIME = "time"
SYMBOL = "symbol"

TIME_NAMES = (
    "time",
    "datetime",
    "date_time",
    "timestamp",
    "ts",
    "open_time",
    "opentime",
    "gmt_time",
    "utc_time",
    "time_utc",
    "datetime_utc",
    "date_utc",
    "date_gmt",
    "utc",
    "local_time",
    "unix",
    "unix_time",
    "unix_timestamp",
    "time_unix",
    "epoch",
    "start_time",
    "begin",
    "transaction_time",
    "date",
    "day",
    "dtyyyymmdd",
    "ts_event",
)
"""Names of columns of times, or of the date or the time of day alone."""

_UTC_NAMES = frozenset(name for name in TIME_NAMES if "utc" in name or "gmt" in name)
_ZONE_IN_NAME = re.compile(r"(.*\S)\s*\(([A-Za-z_/+:\-0-9]+)\)")

# Of several names in a header, the first in the list is taken.
_VALUE_NAMES: dict[str, tuple[str, ...]] = {
    "volume": ("tickvol", "tick_volume", "ticks", "tickqty", "volume", "vol", "v", "base_volume"),
    "quote_volume": ("quote_volume", "quote_asset_volume", "volume_quote", "turnover"),
    "trades": (
        "trades",
        "trade_count",
        "tradecount",
        "number_of_trades",
        "num_trades",
        "count",
    ),
    "taker_buy_volume": (
        "taker_buy_volume",
        "taker_buy_base_asset_volume",
        "taker_buy_base_volume",
    ),
    "taker_buy_quote_volume": ("taker_buy_quote_volume", "taker_buy_quote_asset_volume"),
    SYMBOL: ("symbol", "ticker", "pair", "instrument"),
} | {
    name: (
        name,
        name[0],
        f"{name}_price",
        f"{name}_bid",
        f"bid_{name}",
        f"bid{name}",
        f"bid_{name[0]}",
        f"{name}_mid",
        f"mid_{name}",
        f"mid_{name[0]}",
    )
    for name in PRICE_COLUMNS
}
_VALUE_NAMES |= {
    f"{name}_ask": (f"{name}_ask", f"ask_{name}", f"ask{name}", f"ask_{name[0]}")
    for name in PRICE_COLUMNS
}
_TICK_NAMES = {
    "bid": ("bid", "bid_price", "bidprice", "price_bid", "best_bid_price", "best_bid"),
    "ask": ("ask", "ask_price", "askprice", "price_ask", "best_ask_price", "best_ask"),
    "volume": ("bid_volume", "bidvolume"),
    SYMBOL: _VALUE_NAMES[SYMBOL],
}
CHOSEN = (TIME, *dict.fromkeys((*_VALUE_NAMES, *_TICK_NAMES)))
"""Columns that a user may name, see `Choices.columns`."""


@dataclass(frozen=True)
class Wanted:
    """The columns to look for in a header.

    Attributes:
        names: names of each column, of which the first in a header is taken.
        needed: columns without which it is not such a header.
        of_ticks: whether times may have fractions of a second.
    """

    names: Mapping[str, tuple[str, ...]]
    needed: tuple[str, ...]
    of_ticks: bool = False


OF_BARS = Wanted(_VALUE_NAMES, PRICE_COLUMNS)
OF_TICKS = Wanted(_TICK_NAMES, ("bid", "ask"), of_ticks=True)
"""Bid and ask, and Dukascopy's volume of a tick, which is that of its bid."""


def plain(name: str) -> str:
    """A column's name in lower case, words joined by underscores: "<TICKVOL>" is tickvol."""
    return re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_")


def zone_named(name: str) -> tuple[str, str | None]:
    """A time column's plain name, and the zone in it: "Time (EET)" is time in EET."""
    match = _ZONE_IN_NAME.fullmatch(name.strip())
    if match:
        return plain(match[1]), "UTC" if match[2].upper() in ("UTC", "GMT") else match[2]
    return plain(name), "UTC" if plain(name) in _UTC_NAMES else None


def time_fields(names: Iterable[str]) -> list[int]:
    """Fields that may hold the time, the likeliest first."""
    plains = [zone_named(name)[0] for name in names]
    return sorted(
        (field for field, name in enumerate(plains) if name in TIME_NAMES),
        key=lambda field: TIME_NAMES.index(plains[field]),
    )


def value_fields(names: Iterable[str], wanted: Wanted) -> dict[str, int]:
    """The field of every wanted column that a header names."""
    plains = [plain(name) for name in names]
    found = {}
    for column, known in wanted.names.items():
        field = next((plains.index(name) for name in known if name in plains), None)
        if field is not None:
            found[column] = field
    return found


def chosen_fields(names: list[str], chosen: Mapping[str, str]) -> dict[str, int]:
    """The field of every chosen column, given by its name in the header or by its number from 1.

    Raises:
        KeyError: there is no such column; its argument is what was given.
    """
    plains = [plain(name) for name in names]
    found = {}
    for column, given in chosen.items():
        if plain(given) in plains:
            found[column] = plains.index(plain(given))
        elif given.isdecimal() and 1 <= int(given) <= len(names):
            found[column] = int(given) - 1
        else:
            raise KeyError(given)
    return found
