"""Series that ccxt provides in addition to an exchange's bars, and their units."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from mlx_muzero.market.book_imbalance import LEVELS
from mlx_muzero.market.series import FUNDING_RATE, OPEN_INTEREST
from mlx_muzero.timeunits import MILLISECOND_NS
from mlx_muzero.venues.announced_rate import AnnouncedRate
from mlx_muzero.venues.candle import known_time_ns, number
from mlx_muzero.venues.order_book import BookTop
from mlx_muzero.venues.source import Unavailable
from mlx_muzero.venues.volume_units import unit_of

OPEN_INTEREST_PERIOD = "5m"

# The field with open interest in coins, by exchange, for linear and for inverse contracts; the unit
# is unknown for other exchanges. For inverse contracts, Binance states the value in the base asset.
_COINS = {
    "binance": ("openInterestAmount", "openInterestValue"),
    "binancecoinm": ("openInterestAmount", "openInterestValue"),
    "binanceusdm": ("openInterestAmount", "openInterestValue"),
    "bybit": ("openInterestAmount", None),
    "gate": ("openInterestAmount", None),  # contracts, by their size
    "gateeu": ("openInterestAmount", None),
}


_RATES = (("fundingRate", "fundingTimestamp"), ("nextFundingRate", "nextFundingTimestamp"))
"""Fields of an announced rate and of the time of its settlement.

Exchanges differ in which they fill: Binance, Bybit and Hyperliquid the first pair, for the
settlement to come; OKX and HTX both, for the next two. Kraken, Deribit, Phemex and BingX tell a
rate without its time: which settlement it is for would be a guess.
"""


def offered(exchange: Any, market: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the series available for `market`, one of ccxt's market structures."""
    found = []
    if market.get("swap") and exchange.has.get("fetchFundingRateHistory"):
        found.append(FUNDING_RATE)
    known = _open_interest_field(exchange.id, market) is not None
    if known and market.get("contract") and exchange.has.get("fetchOpenInterestHistory"):
        found.append(OPEN_INTEREST)
    return tuple(found)


def market_of_name(pair: str) -> dict[str, Any]:
    """The part of ccxt's market structure that `offered` reads, judged by ccxt's symbol alone.

    ``BTC/USDT`` is a spot pair, ``BTC/USDT:USDT`` a perpetual contract settled in USDT, and
    ``BTC/USD:BTC-260327`` one that expires.
    """
    names, _, settled = pair.partition(":")
    settle, _, expiry = settled.partition("-")
    inverse = bool(settle) and settle == names.partition("/")[0]
    return {"contract": bool(settle), "swap": bool(settle) and not expiry, "inverse": inverse}


def announces(exchange: Any, market: Mapping[str, Any]) -> bool:
    """Whether the rate of the next settlement of `market` can be asked for."""
    return bool(market.get("swap") and exchange.has.get("fetchFundingRate"))


def announced_rates(answer: Any) -> tuple[AnnouncedRate, ...]:
    """The rates in one of ccxt's structures of a funding rate that tell their settlement's time.

    Raises:
        Unavailable: it is none.
    """
    if not isinstance(answer, Mapping):
        raise Unavailable("the answer is not a funding rate")
    told = (
        (known_time_ns(answer.get(time), MILLISECOND_NS), number(answer.get(rate)))
        for rate, time in _RATES
    )
    return tuple(
        AnnouncedRate(due_ns, rate)
        for due_ns, rate in told
        if due_ns is not None and math.isfinite(rate)
    )


def funding_rows(answer: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    """Convert settlements to rows of milliseconds and rate."""
    return [[row.get("timestamp"), row.get("fundingRate")] for row in answer]


def open_interest_rows(
    answer: Sequence[Mapping[str, Any]], exchange: str, market: Mapping[str, Any]
) -> list[list[Any]]:
    """Convert open interest to rows of milliseconds and coins."""
    field = _open_interest_field(exchange, market) or ""
    size = float(market["contractSize"]) if unit_of(exchange, market) == "contracts" else 1.0
    return [[row.get("timestamp"), number(row.get(field)) * size] for row in answer]


def book_top(book: Any) -> BookTop:
    """The best levels of one of ccxt's order books.

    Raises:
        Unavailable: it is not one.
    """
    if not isinstance(book, Mapping):
        raise Unavailable("the answer is not an order book")
    time_ns = known_time_ns(book.get("timestamp"), MILLISECOND_NS)
    return BookTop(time_ns, _quantities(book.get("bids")), _quantities(book.get("asks")))


def _quantities(levels: Any) -> tuple[float, ...]:
    best = levels[:LEVELS] if isinstance(levels, list) else [levels]
    if not all(isinstance(level, list | tuple) and len(level) >= 2 for level in best):
        raise Unavailable("the answer is not an order book")
    quantities = []
    for price, quantity in ((number(level[0]), number(level[1])) for level in best):
        if not (0.0 < price < math.inf and 0.0 < quantity < math.inf):
            raise Unavailable("a level of the order book is not a price and a quantity")
        quantities.append(quantity)
    return tuple(quantities)


def _open_interest_field(exchange: str, market: Mapping[str, Any]) -> str | None:
    linear, inverse = _COINS.get(exchange, (None, None))
    return inverse if market.get("inverse") else linear
