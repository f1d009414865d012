"""Translates our pair names into the venue's."""

from collections.abc import Iterable

from mlx_muzero.errors import FeedError
from mlx_muzero.symbols.symbol import Symbol

# ccxt exchanges that trade only perpetual contracts, whose symbols name the settlement currency.
_SETTLED_IN_QUOTE = ("binanceusdm", "krakenfutures", "kucoinfutures")


def exchange_of(feed: str) -> str:
    """The exchange in the feed name ``ccxt:EXCHANGE``.

    Raises:
        FeedError: the feed does not exist.
    """
    kind, _, exchange = feed.partition(":")
    if kind != "ccxt" or not exchange:
        raise FeedError(f"no feed named {feed!r}; choose replay, ccxt:EXCHANGE or oanda")
    return exchange


def venue_name(name: str, feed: str) -> str:
    """The name by which `feed` ("replay", "oanda" or "ccxt:EXCHANGE") knows a pair.

    A name already in the venue's form is kept; a replay uses the bar store's names.

    Raises:
        SymbolError: `name` is not a valid symbol.
        FeedError: the feed does not exist, or our name does not show where base and quote split.
    """
    symbol = Symbol(name)
    if feed == "replay":
        return symbol
    if feed == "oanda":
        return _oanda_name(symbol)
    exchange = exchange_of(feed)
    return name.strip() if "/" in name else _ccxt_name(symbol, exchange)


def venue_names(names: Iterable[str], feed: str) -> dict[str, str]:
    """The venue's name of every symbol.

    Raises:
        FeedError: a pair is named twice, or `venue_name` fails.
    """
    found: dict[str, str] = {}
    for name in names:
        symbol = Symbol(name)
        if symbol in found:
            raise FeedError(f"pair {symbol} is named twice")
        found[symbol] = venue_name(name, feed)
    return found


def _oanda_name(symbol: Symbol) -> str:
    pair = symbol.pair
    if pair is not None and pair.of_currencies:
        return f"{pair.base}_{pair.quote}"
    if "_" not in symbol:
        raise FeedError(f"{symbol}: OANDA's pairs look like USD_JPY")
    return symbol


def _ccxt_name(symbol: Symbol, exchange: str) -> str:
    pair = symbol.pair
    if pair is None:
        raise FeedError(f"{symbol}: write the pair as the exchange does, such as BTC/USDT:USDT")
    name = f"{pair.base}/{pair.quote}"
    if pair.contract == "PERP":
        return f"{name}:{pair.base}"
    if pair.contract:
        raise FeedError(
            f"{symbol}: write it as the exchange does, with the currency the contract settles in, "
            f"such as {name}:{pair.quote}-{pair.contract}"
        )
    return f"{name}:{pair.quote}" if exchange in _SETTLED_IN_QUOTE else name
