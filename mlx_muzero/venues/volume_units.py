"""In what exchanges count the volume of a bar, and how it becomes one in the base currency.

ccxt documents the base currency, which holds for spot markets. Of contracts each of its exchanges
passes on another of the venue's columns (read in `parse_ohlcv` of ccxt 4.5.90, and in the venues'
documentation of the column taken).
"""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from mlx_muzero.types import F64

Unit = Literal["base", "contracts", "quote", "unknown"]

_CONTRACTS: dict[str, tuple[Unit, Unit]] = {
    "binance": ("base", "base"),  # inverse: the column "base asset volume"
    "binancecoinm": ("base", "base"),
    "binanceusdm": ("base", "base"),
    "bitget": ("base", "quote"),  # inverse: the column of the quote currency
    "blofin": ("base", "base"),  # the column volCurrency
    "bybit": ("base", "base"),  # inverse: the turnover, which is in coins there
    "gate": ("contracts", "contracts"),  # v, "size volume (contract size)"
    "gateeu": ("contracts", "contracts"),
    "htx": ("base", "base"),  # the column amount
    "hyperliquid": ("base", "base"),
    "kucoin": ("contracts", "contracts"),  # lots
    "kucoinfutures": ("contracts", "contracts"),
    "mexc": ("contracts", "contracts"),  # vol
    "okx": ("base", "base"),  # the column volCcy
    "okxus": ("base", "base"),
    "myokx": ("base", "base"),
}
"""By exchange: the unit of linear contracts, and of inverse ones."""


def unit_of(exchange: str, market: Mapping[str, Any]) -> Unit:
    """The unit of the volumes that ccxt gives of `market`, one of its market structures."""
    if not market.get("contract"):
        return "base"
    linear, inverse = _CONTRACTS.get(exchange, ("unknown", "unknown"))
    unit = inverse if market.get("inverse") else linear
    return "unknown" if unit == "contracts" and not market.get("contractSize") else unit


def note_of(exchange: str, market: Mapping[str, Any]) -> str | None:
    """What a user should know of the volumes of `market`; None where there is nothing to say."""
    unit, inverse = unit_of(exchange, market), bool(market.get("inverse"))
    if unit == "unknown":
        return f"in what {exchange} counts the volume of this contract is not known: taken as it is"
    if unit == "contracts" and not inverse:
        return f"{exchange} counts contracts: volumes are times {market['contractSize']:g}"
    if unit != "base":
        return f"{exchange} counts in {market.get('quote')}: volumes are over the bar's mean price"
    return None


def in_base(columns: Mapping[str, F64], exchange: str, market: Mapping[str, Any]) -> F64:
    """Volumes in the base currency, ``f64[n]``, as far as `unit_of` is known.

    Args:
        columns: ``f64[n]`` open, high, low, close, and the volume as ccxt gives it.
        exchange: ccxt's name.
        market: ccxt's structure of the market.
    """
    volume, unit = columns["volume"], unit_of(exchange, market)
    if unit == "contracts":
        volume = volume * float(market["contractSize"])
    # A contract of an inverse market stands for an amount of the quote currency.
    if unit == "quote" or (unit == "contracts" and market.get("inverse")):
        price = (columns["high"] + columns["low"] + columns["close"]) / 3
        with np.errstate(divide="ignore", invalid="ignore"):
            volume = volume / price
    return volume
