"""The pages of candles that exchanges answer with, as JSON: what each value of a candle is."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlx_muzero.market.bars import utc_ns
from mlx_muzero.market.importers.column_names import MID_NOTE
from mlx_muzero.market.store.staging import ASK_COLUMNS
from mlx_muzero.timeunits import MINUTE_NS, SECOND_NS

TIME = "time"
CONFIRMED = "confirmed"
"""A value that is 0 for a candle that is not finished."""

_MS_NS = 1_000_000
_OHLC = ("open", "high", "low", "close")


@dataclass(frozen=True)
class Page:
    """One answer of an exchange.

    Attributes:
        rows: the candles, each a list of values.
        columns: what each value is: a store column, `TIME`, `CONFIRMED`, or "" for one to ignore.
        symbol: the symbol, if the page names it.
        finished_ns: candles that open at or before this time are finished; None if the page does
            not tell.
        note: what the user should know of the page.
    """

    rows: Sequence[Any]
    columns: tuple[str, ...]
    symbol: str | None = None
    finished_ns: int | None = None
    note: str | None = None


@dataclass(frozen=True)
class Exchange:
    """How an exchange writes candles.

    Attributes:
        about: a one-line description.
        start: the beginning of a page, without blanks.
        page: reads a page; any `LookupError`, `TypeError` or `ValueError` means that it is none.
    """

    about: str
    start: re.Pattern[str]
    page: Callable[[Any], Page]


def _binance(answer: Any) -> Page:
    columns = (TIME, *_OHLC, "volume", "", "quote_volume", "trades")
    return Page(_listed(answer), (*columns, "taker_buy_volume", "taker_buy_quote_volume", ""))


def _bybit(answer: Any) -> Page:
    result = answer["result"]
    volumes = ("volume", "quote_volume")
    if result["category"] == "inverse":
        # Contracts of one dollar.
        volumes = ("quote_volume", "volume")
    asked_ns = int(answer["time"]) * _MS_NS if "time" in answer else None
    return Page(
        _listed(result["list"]),
        (TIME, *_OHLC, *volumes),
        str(result["symbol"]),
        None if asked_ns is None else asked_ns - MINUTE_NS,
    )


def _okx(answer: Any) -> Page:
    rows = _listed(answer["data"])
    # The first volume counts contracts, if there are any; then the second is in the base currency.
    of_contracts = any(abs(_number(row, 6) - _number(row, 7)) > 0 for row in rows)
    volumes = ("", "volume", "quote_volume") if of_contracts else ("volume", "", "quote_volume")
    return Page(rows, (TIME, *_OHLC, *volumes, CONFIRMED))


def _kraken(answer: Any) -> Page:
    result = dict(answer["result"])
    finished_ns = int(result.pop("last")) * SECOND_NS
    ((name, rows),) = result.items()
    columns = (TIME, *_OHLC, "", "volume", "trades")
    return Page(_listed(rows), columns, kraken_pair(name), finished_ns)


def _coinbase(answer: Any) -> Page:
    columns = (TIME, "low", "high", "open", "close", "volume")
    if isinstance(answer, dict):
        return Page(_of_objects(answer["candles"], ("start", *columns[1:])), columns)
    rows = _listed(answer)
    if _fitting(rows, (TIME, *_OHLC, "volume")) > _fitting(rows, columns):
        raise ValueError("its values are not time, low, high, open, close, volume")
    return Page(rows, columns)


def _hyperliquid(answer: Any) -> Page:
    (coin,) = {str(row["s"]) for row in answer} or {""}
    if {row["i"] for row in answer} - {"1m"}:
        raise ValueError("its candles are not of one minute")
    symbol = coin if "/" in coin else f"{coin}/USDC:USDC" if coin.isalnum() else None
    rows = _of_objects(answer, tuple("tohlcvn"))
    return Page(rows, (TIME, *_OHLC, "volume", "trades"), symbol)


def _oanda(answer: Any) -> Page:
    candles = _listed(answer["candles"])
    if answer["granularity"] != "M1":
        raise ValueError("its candles are not of one minute")
    sides = {"bid": _OHLC, "ask": ASK_COLUMNS}
    held = [side for side in sides if all(side in candle for candle in candles)]
    if "bid" not in held:
        held, sides = ["mid"], {"mid": _OHLC}
    rows = [
        [
            _seconds(candle["time"]),
            *(candle[side].get(name) for side in held for name in "ohlc"),
            candle.get("volume"),
            candle["complete"],
        ]
        for candle in candles
    ]
    prices = (column for side in held for column in sides[side])
    return Page(
        rows,
        (TIME, *prices, "volume", CONFIRMED),
        str(answer["instrument"]),
        note=MID_NOTE if held == ["mid"] else None,
    )


def _seconds(time: str) -> float:
    """A time of OANDA, RFC 3339 or UNIX, in seconds since 1970."""
    return utc_ns(time) / SECOND_NS if "T" in time else float(time)


def _listed(rows: Any) -> Sequence[Any]:
    if not isinstance(rows, list):
        raise TypeError("its candles are not a list")
    return rows


def _fitting(rows: Sequence[Any], columns: tuple[str, ...]) -> int:
    """How many opens and closes lie between low and high, if rows have such columns."""
    open_, high, low, close = (columns.index(name) for name in _OHLC)
    return sum(
        _number(row, low) <= _number(row, side) <= _number(row, high)
        for row in rows
        for side in (open_, close)
    )


def _number(row: Any, place: int) -> float:
    """A value of a row, NaN if it is no number."""
    try:
        return float(row[place])
    except (LookupError, TypeError, ValueError, OverflowError):
        return math.nan


def _of_objects(rows: Any, keys: tuple[str, ...]) -> Sequence[Any]:
    return [[row.get(key) for key in keys] for row in _listed(rows)]


def kraken_pair(name: str) -> str:
    """The pair that Kraken calls `name`: XXBTZUSD is BTC/USD."""
    # Of its older names, four letters are a coin (X) or a currency (Z).
    older = re.fullmatch(r"[XZ]([A-Z]{3})[XZ]([A-Z]{3})", name)
    pair = f"{older[1]}/{older[2]}" if older else name
    for theirs, usual in (("XBT", "BTC"), ("XDG", "DOGE")):
        pair = re.sub(rf"^{theirs}|{theirs}$|{theirs}(?=/)", usual, pair)
    return pair


def _row(digits: int, values: int, most: int | None = None) -> str:
    """The pattern of a list of numbers of which the first, a time, has so many digits."""
    number = r'"?-?[\d.eE+-]+"?'
    return rf'\["?\d{{{digits},{most or digits}}}"?(?:,{number}){{{values - 1}}}\]'


EXCHANGES: Mapping[str, Exchange] = {
    "binance-json": Exchange(
        "Binance klines as JSON: [[milliseconds,open,...],...], 12 values",
        re.compile(rf"\[{_row(13, 12, most=16)}"),
        _binance,
    ),
    "bybit-json": Exchange(
        "Bybit v5 klines as JSON: result.list of 7 values, result.symbol",
        re.compile(rf'\{{.{{0,400}}?"result":\{{.{{0,200}}?"list":\[{_row(13, 7)}'),
        _bybit,
    ),
    "okx-json": Exchange(
        "OKX candles as JSON: data of 9 values",
        re.compile(rf'\{{.{{0,200}}?"data":\[{_row(13, 9)}'),
        _okx,
    ),
    "kraken-json": Exchange(
        "Kraken OHLC as JSON: result.PAIR of 8 values, result.last",
        re.compile(rf'\{{.{{0,40}}?"result":\{{"[^"]{{1,40}}":\[{_row(10, 8)}'),
        _kraken,
    ),
    "coinbase-json": Exchange(
        "Coinbase candles as JSON: [[seconds,low,high,open,close,volume],...], or candles",
        re.compile(rf'\[{_row(10, 6)}|\{{"candles":\[\{{[^}}]{{0,200}}"start":"?\d{{10}}\b'),
        _coinbase,
    ),
    "oanda-json": Exchange(
        "OANDA v20 candles as JSON: instrument, granularity M1, candles with bid, ask or mid",
        re.compile(
            r'\{(?:"instrument":"[^"]{1,40}","granularity":"[^"]{1,9}",)?"candles":\[\{'
            r'.{0,300}?"complete":(?:true|false)'
        ),
        _oanda,
    ),
    "hyperliquid-json": Exchange(
        'Hyperliquid candles as JSON: [{"t","T","s","i","o","c","h","l","v","n"},...]',
        re.compile(r'\[\{(?=[^}]{0,300}"s":)(?=[^}]{0,300}"i":)(?=[^}]{0,300}"n":)"[tT]":\d{13}'),
        _hyperliquid,
    ),
}
"""Formats of pages of candles, by name."""
CANDLE_FORMATS = {name: exchange.about for name, exchange in EXCHANGES.items()}

_BLANKS = re.compile(r"[ \t\r\n]+")


def candle_format(head: str) -> str | None:
    """The format of a text that begins with `head`; None if it is none of `EXCHANGES`."""
    if not head.lstrip().startswith(("[", "{")):
        return None
    start = _BLANKS.sub("", head)
    return next((name for name, of in EXCHANGES.items() if of.start.match(start)), None)
