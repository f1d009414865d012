"""How an instrument trades: its hours, its pip and its tick size.

A pair of currencies or metals is counted in pips and keeps the FX week; a coin is counted in basis
points and trades around the clock. Their names tell which. For anything else the user says it once
and the bar store keeps it (`BarStore.instrument`); nothing is guessed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Literal

from mlx_muzero.errors import DataError, SymbolError
from mlx_muzero.market.store.location import in_store
from mlx_muzero.symbols.assets import METALS
from mlx_muzero.symbols.symbol import Pair, Symbol
from mlx_muzero.words import command

Market = Literal["fx", "crypto"]
"""Trading hours: "fx" closes for the weekend, "crypto" never closes."""

_PIP_OF_QUOTE = {
    0.01: "JPY HUF THB",
    0.001: "CZK",
    0.0001: """
        USD EUR GBP CHF AUD NZD CAD SEK NOK DKK PLN RON BGN TRY ILS ZAR MXN SGD HKD CNH CNY AED SAR
    """,
}
"""Price of a pip by quote currency, where dealers agree on it."""

_PIP = {quote: pip for pip, quotes in _PIP_OF_QUOTE.items() for quote in quotes.split()}
_METAL_PIP = 0.01
_METAL_QUOTES = frozenset(["USD", "EUR", "GBP", "CHF", "AUD", "NZD", "CAD", "SGD"])
_STEPS_OF_A_PIP = 10


@dataclass(frozen=True)
class Instrument:
    """How one symbol trades.

    Attributes:
        symbol: the name in the store.
        market: the trading hours it keeps.
        pip_size: price of one pip; 0 if money is counted in basis points of the price.
        price_step: smallest price change, as dealers quote it now; None if only the bars tell.

    Raises:
        ValueError: the pip is negative, the step is not positive, or one is not finite.
    """

    symbol: str
    market: Market
    pip_size: float
    price_step: float | None = None

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not 0.0 <= self.pip_size < inf:
            raise ValueError(f"{self.pip_size:g} is not the price of a pip")
        if self.price_step is not None and not 0.0 < self.price_step < inf:
            raise ValueError(f"{self.price_step:g} is not the step of a price")

    @property
    def unit(self) -> str:
        """Unit of price moves and costs: "pips" or "bps"."""
        return "pips" if self.pip_size else "bps"


class UnknownInstrument(DataError):
    """It is unknown how some symbols trade; the message gives the command that sets it."""

    def __init__(self, symbols: Sequence[str], store: Path | None = None) -> None:
        unknown, said = "what a pip is", ["--pip", "PRICE"]
        choices = "PRICE: of one pip, as 0.01 of USDJPY and 0.0001 of EURUSD; 0 counts basis points"
        if not all(map(keeps_fx_week, symbols)):
            unknown, said = "the hours of trading and the pip", ["--calendar", "HOURS", *said]
            choices = f"HOURS: fx closes at weekends, crypto never does. {choices}"
        name = "name" if len(symbols) == 1 else "names"
        say = command("data", "instrument", ",".join(symbols), *said, *in_store(store))
        super().__init__(
            f"{', '.join(symbols)}: {unknown} cannot be told from the {name}. Say it once: "
            f"{say} ({choices})"
        )


def known_instrument(symbol: str) -> Instrument | None:
    """How `symbol` trades, or None if its name does not tell.

    An ambiguous name tells if all its readings trade alike: ARBUSD is ARB in USD or AR in BUSD,
    coins either way.
    """
    found = {_instrument_of(symbol, pair) for pair in _readings_of(symbol)}
    return found.pop() if len(found) == 1 else None


def instrument(symbol: str) -> Instrument:
    """As `known_instrument`.

    Raises:
        UnknownInstrument: its name does not tell.
    """
    known = known_instrument(symbol)
    if known is None:
        raise UnknownInstrument([symbol])
    return known


def keeps_fx_week(symbol: str) -> bool:
    """Whether the name `symbol` is that of a pair of currencies or metals, whatever its pip."""
    readings = _readings_of(symbol)
    return bool(readings) and all(pair.of_currencies for pair in readings)


def _readings_of(symbol: str) -> list[Pair]:
    try:
        return Symbol(symbol).readings
    except SymbolError:
        return []


def _instrument_of(symbol: str, pair: Pair) -> Instrument | None:
    if pair.of_currencies:
        pip = _pip_of(pair)
        return None if pip is None else Instrument(symbol, "fx", pip, pip / _STEPS_OF_A_PIP)
    return Instrument(symbol, "crypto", 0.0) if pair.of_coins else None


def _pip_of(pair: Pair) -> float | None:
    if pair.base in METALS:
        return _METAL_PIP if pair.quote in _METAL_QUOTES else None
    return _PIP.get(pair.quote)
