"""What a symbol's name says about its market: currency pairs in pips, everything else 24/7."""

import re
from dataclasses import dataclass
from typing import Literal

Market = Literal["fx", "crypto"]

# ISO codes (and the two metals) that are traded against each other around the FX week.
FX_CODES = frozenset(
    (
        "USD",
        "EUR",
        "JPY",
        "GBP",
        "CHF",
        "AUD",
        "NZD",
        "CAD",
        "SEK",
        "NOK",
        "DKK",
        "SGD",
        "HKD",
        "CNH",
        "MXN",
        "ZAR",
        "TRY",
        "PLN",
        "CZK",
        "HUF",
        "XAU",
        "XAG",
    )
)


@dataclass(frozen=True)
class Instrument:
    """How prices of a symbol are counted.

    Attributes:
        symbol: name in the bar store.
        market: "fx" closes for the weekend, "crypto" never does.
        pip_size: price of one pip (FX "Pip Calculation": 0.01 where the quote is JPY); None where
            basis points are used instead.
        quote_decimals: decimals of a quoted price (a tenth of a pip); None if it varies.
    """

    symbol: str
    market: Market
    pip_size: float | None
    quote_decimals: int | None


def market_of(symbol: str) -> Market:
    """Whether `symbol` keeps the FX week: two FX codes, as ``USDJPY`` or ``EUR/USD.feed``."""
    return "fx" if _fx_pair(symbol) else "crypto"


def instrument(symbol: str) -> Instrument:
    """Conventions of `symbol` from its name."""
    pair = _fx_pair(symbol)
    if pair is None:
        return Instrument(symbol, "crypto", None, None)
    if pair[1] == "JPY":
        return Instrument(symbol, "fx", 0.01, 3)
    return Instrument(symbol, "fx", 0.0001, 5)


def _fx_pair(symbol: str) -> tuple[str, str] | None:
    # A feed's name may follow: USDJPY_FXCM, EUR/USD.b
    match = re.match(r"([A-Z]{3})[/_-]?([A-Z]{3})(?![A-Z0-9])", symbol.upper())
    pair = (match[1], match[2]) if match else ("", "")
    return pair if FX_CODES.issuperset(pair) else None
