"""Reads the symbol from a file's name, if a grammar explains the entire name.

A symbol is never extracted from part of a name: the unexplained rest may be what distinguishes one
coin from another. Such a file needs its symbol given.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mlx_muzero.errors import DataError, SymbolError
from mlx_muzero.market.importers.content import ImportRequest
from mlx_muzero.market.store.import_table import ImportRecord
from mlx_muzero.market.store.location import in_store
from mlx_muzero.symbols.assets import COIN_QUOTES, COINS, FX_CODES
from mlx_muzero.symbols.symbol import LONGEST, Pair, Symbol
from mlx_muzero.words import command

_VENUES = (
    "binance|binanceusdm|binancecoinm|binanceus|bitfinex|bitget|bitmex|bitstamp|bybit|coinbase"
    "|coinbasepro|cryptocom|deribit|dukascopy|fxcm|gate|gateio|gemini|histdata|huobi|htx"
    "|hyperliquid|kraken|krakenfutures|kucoin|kucoinfutures|mexc|oanda|okex|okx|phemex|poloniex"
    "|truefx|upbit"
)
_DAY = r"(?:0[1-9]|[12]\d|3[01])"
_MONTH = r"(?:0[1-9]|1[0-2])"
_YEAR = r"(?:19|20)\d\d"
_TOLD = "|".join(
    (
        r"1[_ ]?m(?:in(?:ute)?)?|m1|minute|ticks?",
        r"bid|ask|mid",
        r"[1248]h-funding_rate",
        r"klines?|candles?|candlestick|ohlcv?|bars|aggtrades|bookticker|quotes|fundingrate|funding|metrics|futures",
        rf"{_YEAR}(?:[-_.]?{_MONTH}(?:[-_.]?{_DAY}(?:\d{{4}})?)?)?|{_DAY}\.{_MONTH}\.{_YEAR}",
    )
)
_BEFORE = rf"(?:(?:{_VENUES})[-_ ])?"
_AFTER = rf"(?:[-_ ](?:{_TOLD}))*"
_ENDING = re.compile(
    r"(?:\.(?:csv|tsv|txt|json|zip|gz|zst|dbn|feather|parquet|duckdb|db))+\Z", re.IGNORECASE
)


def _whole(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.ASCII)


# Of base and quote together, so that a contract's date still fits a symbol.
_LONGEST = LONGEST - len("_240628")
_HISTDATA = _whole(
    rf"(?:DAT|HISTDATA_COM)_(?:MT|ASCII)_([A-Z]{{6}})_(?:M1|T)(?:_?{_YEAR}{_MONTH}?)?"
)
_METATRADER = _whole(r"([A-Z]{6})1")
_TRADINGVIEW = _whole(rf"[A-Z_]{{2,15}}_([A-Z0-9]{{1,{_LONGEST}}}), 1(?:_[0-9a-f]{{5}})?")
_NINJATRADER = _whole(r"([A-Z]{6})\.(?:Last|Bid|Ask)")
_JOINED = _whole(rf"{_BEFORE}([A-Z0-9]{{1,{_LONGEST}}}){_AFTER}")
_CONTRACT = _whole(rf"{_BEFORE}([A-Z0-9]{{1,{_LONGEST}}})_(PERP|\d\d{_MONTH}{_DAY}){_AFTER}")
# freqtrade writes ccxt's BTC/USDT:USDT-240628 as BTC_USDT_USDT-240628.
_APART = _whole(
    rf"{_BEFORE}([A-Z0-9]+)[-_]([A-Z]+)"
    rf"(?:[_:]([A-Z]+?)(?:-(\d\d{_MONTH}{_DAY}))?)??{_AFTER}"
)
# Brokers add to their symbols the kind of account: EURUSD.r, EURUSDm, EURUSD#, USDJPY_i.
_SUFFIXED = re.compile(
    rf"(?P<pair>[A-Z0-9]{{5,{_LONGEST}}}?)(?P<suffix>(?:[._-][A-Za-z]{{1,8}}|[a-z]{{1,8}})?[#+!]?)(?i:{_AFTER})",
    re.ASCII,
)
_CUT_BY_0_1_0 = 6
# Coins whose code ends no word: anything may be priced in them.
_STABLECOINS = frozenset(("USDT", "USDC", "FDUSD", "TUSD", "BUSD"))


def symbol_in_name(path: Path) -> Symbol | None:
    """The symbol that explains the entire name of `path`; None if there is none, or several."""
    readings = _readings(_ENDING.sub("", path.name))
    found = {symbol for symbol in readings if symbol is not None}
    return found.pop() if len(found) == 1 else None


def require_symbol(path: Path, given: str | None, database: Path) -> Symbol:
    """The `given` symbol, or else the one in the file's name.

    Args:
        path: the file.
        given: by the user.
        database: the store it is imported into.

    Raises:
        DataError: there is neither, or `given` is not a valid symbol.
    """
    symbol = Symbol(given) if given is not None else symbol_in_name(path)
    if symbol is None:
        stem = _ENDING.sub("", path.name)
        bare, named = without_suffix(stem), _pairs_in(stem)

        def importing(name: str) -> str:
            return command("data", "import", path, "--symbol", name, *in_store(database))

        otherwise = "if not, import it with --symbol and its own name"
        if bare is not None:
            way_on = (
                f"if {bare.suffix} is a broker's suffix of {bare.symbol}, "
                f"{importing(bare.symbol)}; {otherwise}"
            )
        elif len(named) == 1:
            way_on = f"if it holds {named[0]}, {importing(named[0])}; {otherwise}"
        else:
            way_on = f"import it with --symbol and its name: {importing('SYMBOL')}"
        raise DataError(f"{path}: its name does not identify its symbol unambiguously: {way_on}")
    return symbol


def name_notes(request: ImportRequest, symbol: str, records: Iterable[ImportRecord]) -> list[str]:
    """Notes on a file name that does not match the symbol it is imported as.

    Args:
        request: asks for its import.
        symbol: the symbol, as spelled in the store.
        records: the store's imports.
    """
    notes = []
    named = symbol_in_name(request.path)
    if named is not None and not named.is_meant_by(symbol):
        notes.append(f"its name says {named}; imported as {symbol}, as requested")
    cut = symbol[:_CUT_BY_0_1_0]
    under_cut = (record.file for record in records if record.symbol == cut != symbol)
    there = in_store(request.database)
    if file := next((file for file in under_cut if symbol_in_name(Path(file)) == symbol), None):
        notes.append(
            f"{file} is in the store as {cut}, as an earlier version read its name. To have one "
            f"{symbol}: {command('data', 'remove', symbol, *there)}, then "
            f"{command('data', 'rename', cut, symbol, *there)}, then import this file again"
        )
    return notes


@dataclass(frozen=True)
class Suffixed:
    """A pair, and what a broker may have added to its name."""

    symbol: Symbol
    suffix: str


def without_suffix(name: str) -> Suffixed | None:
    """The pair that `name` may mean, if it is a pair's with a broker's suffix; only to suggest.

    Such a name is never read as that of the pair: the suffix may as well tell another feed apart.
    """
    found = _SUFFIXED.fullmatch(name)
    if found is None:
        return None
    symbol = _of_currencies(found["pair"]) or _of_coins(found["pair"])
    return None if symbol is None else Suffixed(symbol, found["suffix"])


def symbol_in_file(path: Path, name: str) -> Symbol:
    """The symbol named `name` in the file at `path`.

    Raises:
        DataError: `name` is not a valid symbol.
    """
    try:
        return Symbol(name)
    except SymbolError as error:
        raise DataError(f"{path}: {error}") from error


def _pairs_in(stem: str) -> list[Symbol]:
    """The pairs that single words of a name are, as of a renamed file; only to suggest."""
    words = [word for word in re.split("[^A-Za-z0-9]+", stem) if 0 < len(word) <= _LONGEST]
    found = [_of_currencies(word) or _of_coins(word) for word in words]
    return list(dict.fromkeys(symbol for symbol in found if symbol is not None))


def _readings(stem: str) -> list[Symbol | None]:
    readings: list[Symbol | None] = []
    for pattern in (_HISTDATA, _METATRADER, _NINJATRADER):
        if match := pattern.fullmatch(stem):
            readings.append(_of_currencies(match[1]))
    if match := _TRADINGVIEW.fullmatch(stem) or _JOINED.fullmatch(stem):
        readings.append(_of_currencies(match[1]) or _of_coins(match[1]))
    if match := _CONTRACT.fullmatch(stem):
        readings.append(_of_contract(match[1], match[2]))
    if match := _APART.fullmatch(stem):
        readings.append(_of_parts(*match.groups()))
    return readings


def _of_currencies(name: str) -> Symbol | None:
    pair = Pair(name[:3].upper(), name[3:].upper())
    return Symbol(name) if pair.of_currencies else None


def _of_coins(name: str) -> Symbol | None:
    readings = Symbol(name).readings if _in_one_case(name) else []
    if not readings or any(p.quote not in _STABLECOINS and p.base not in COINS for p in readings):
        return None
    return Symbol(name)


def _of_contract(name: str, contract: str) -> Symbol | None:
    symbol = Symbol(f"{name}_{contract}")
    return symbol if any(pair.contract for pair in symbol.readings) else None


def _of_parts(base: str, quote: str, settled: str | None, expiry: str | None) -> Symbol | None:
    base, quote, settled = base.upper(), quote.upper(), settled and settled.upper()
    if settled is None and Pair(base, quote).of_currencies:
        return Symbol(f"{base}/{quote}")
    if (
        base not in COINS
        or quote not in COIN_QUOTES | FX_CODES
        or settled not in (None, base, quote)
    ):
        return None
    return Symbol(
        f"{base}/{quote}" + (f":{settled}" if settled else "") + (f"-{expiry}" if expiry else "")
    )


def _in_one_case(name: str) -> bool:
    return name in (name.upper(), name.lower())
