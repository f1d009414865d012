"""Symbols, the names of instruments: validation, canonical spelling, and their parts.

A name is checked once, where it enters the program: from an option, a file, a configuration or a
venue. From then on it is a `Symbol`.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

from mlx_muzero.errors import SymbolError
from mlx_muzero.symbols.assets import COIN_QUOTES, COINS, FX_CODES

LONGEST = 40
"""Maximum characters of a symbol; the longest at any venue have about 30."""

_ALLOWED = re.compile(rf"[^\W_][\w.-]{{0,{LONGEST - 1}}}")
_CCXT = re.compile(
    r"(?P<base>[^\W_]+)/(?P<quote>[^\W_]+)(?::(?P<settled>[^\W_]+)(?:-(?P<expiry>[0-9]{6}))?)?"
)
_SEPARATED = re.compile(r"(?P<base>[^\W_]+)[-_](?P<quote>[^\W_]+)")
_CURRENCIES_APART = re.compile(r"([A-Z]{3})[/_-]([A-Z]{3})((?:[._-][\w.-]*)?)")
_CURRENCIES_JOINED = re.compile(r"([A-Z]{3})([A-Z]{3})(?:[._-].*)?")
_CONTRACT = re.compile(r"(?P<pair>[^\W_]+)_(?P<contract>PERP|[0-9]{6})")
_QUOTES = sorted(COIN_QUOTES | FX_CODES)
_KNOWN_BASES = COINS | FX_CODES


@dataclass(frozen=True)
class Pair:
    """The parts of a symbol that names a base and a quote asset.

    Attributes:
        base: the asset that is bought and sold.
        quote: the asset in which it is priced.
        contract: "PERP" for a perpetual settled in its base, YYMMDD for a dated contract, else "".
    """

    base: str
    quote: str
    contract: str = ""

    @property
    def of_currencies(self) -> bool:
        """Whether both are currencies or metals, and distinct."""
        return self.base != self.quote and FX_CODES.issuperset((self.base, self.quote))

    @property
    def of_coins(self) -> bool:
        """Whether a coin is traded: it is quoted in a coin, a contract, or a known coin."""
        return self.quote in COIN_QUOTES or bool(self.contract) or self.base in COINS


class Symbol(str):
    """A valid symbol in its canonical spelling, in upper case.

    ``btcusdt``, ``BTC/USDT`` and ``BTC/USDT:USDT`` (ccxt's) are ``BTCUSDT``, ``BTC/USD:BTC`` is
    ``BTCUSD_PERP``, ``BTC/USDT:USDT-240628`` is ``BTCUSDT_240628``, and ``USD_JPY`` is ``USDJPY``.
    Any other name of letters, digits, dots, dashes and underscores is kept as it is.

    Raises:
        SymbolError: it has another character, does not start with a letter or digit, or is longer
            than `LONGEST`, or its canonical spelling is another's.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Check `text` and convert it to its canonical spelling."""
        if type(text) is cls:
            return text
        capitals = unicodedata.normalize("NFKC", text.strip()).upper()
        name = _joined(capitals)
        if not _ALLOWED.fullmatch(name):
            raise SymbolError(
                f"{_shown(text)} cannot be a symbol: write up to {LONGEST} letters, digits, dots, "
                "dashes and underscores, starting with a letter or digit, or a pair such as "
                "BTC/USDT:USDT"
            )
        if (other := _joined(name)) != name:
            raise SymbolError(
                f"{_shown(text)} cannot be a symbol: its spelling here, {name}, is also that of "
                f"{other}"
            )
        return super().__new__(cls, name)

    @classmethod
    def listed(cls, text: str) -> tuple[Self, ...]:
        """Parse comma-separated symbols, as in command-line options.

        Raises:
            SymbolError: one is not a valid symbol, or is named twice.
        """
        symbols = tuple(cls(part) for part in text.split(","))
        for symbol in symbols:
            if symbols.count(symbol) > 1:
                raise SymbolError(f"{symbol} is named twice in {text!a}")
        return symbols

    def is_meant_by(self, text: str) -> bool:
        """Whether `text` is a spelling of this symbol."""
        try:
            return Symbol(text) == self
        except SymbolError:
            return False

    @property
    def pair(self) -> Pair | None:
        """The pair that the name stands for, if any; a currency pair may be followed by its feed.

        None also if the name is ambiguous: BNBUSD is BNB in USD, as there is no coin BN that could
        be priced in BUSD, but TESTUSD may be TES in TUSD or TEST in USD.
        """
        readings = self.readings
        return readings[0] if len(readings) == 1 else None

    @property
    def readings(self) -> list[Pair]:
        """The pairs that the name may stand for; only those of a known base, if there are any."""
        readings = _pairs(str(self))
        return [pair for pair in readings if pair.base in _KNOWN_BASES] or list(readings)


def _shown(text: str) -> str:
    return ascii(text if len(text) <= LONGEST else f"{text[:LONGEST]}...")


def _joined(name: str) -> str:
    """`name` spelled without separators, if it is that of a pair."""
    currencies = _CURRENCIES_APART.fullmatch(name)
    if currencies and FX_CODES.issuperset(currencies.groups()[:2]):
        return "".join(currencies.groups())
    if ccxt := _CCXT.fullmatch(name):
        base, quote, settled = ccxt["base"], ccxt["quote"], ccxt["settled"]
        contract = ccxt["expiry"] or ("PERP" if settled == base else "")
        if settled not in (None, base, quote):
            contract = f"{settled}{contract}"
        return f"{base}{quote}_{contract}" if contract else f"{base}{quote}"
    if (apart := _SEPARATED.fullmatch(name)) and apart["quote"] in COIN_QUOTES | FX_CODES:
        # Otherwise, what follows may be a feed's name, or the asset in which a contract settles.
        is_coin = apart["base"] in COINS or (
            apart["quote"] in COIN_QUOTES and not _pairs(apart["base"])
        )
        return f"{apart['base']}{apart['quote']}" if is_coin else name
    return name


@lru_cache(maxsize=1024)
def _pairs(name: str) -> tuple[Pair, ...]:
    """Every possible reading of `name` as a pair."""
    currencies = _CURRENCIES_JOINED.fullmatch(name)
    if currencies and FX_CODES.issuperset(currencies.groups()):
        return (Pair(*currencies.groups()),)
    contract = _CONTRACT.fullmatch(name)
    joined, kind = (contract["pair"], contract["contract"]) if contract else (name, "")
    cut = ((joined.removesuffix(quote), quote) for quote in _QUOTES)
    return tuple(
        Pair(base, quote, kind) for base, quote in cut if base != joined and base.isalnum()
    )
