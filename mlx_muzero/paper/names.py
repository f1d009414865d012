"""Names of pairs: ours, as in the bar store, and the venue's."""

import re
from collections.abc import Iterable

from mlx_muzero.errors import FeedError
from mlx_muzero.market.instrument import market_of

_CURRENCIES = len("USDJPY")
_QUOTES = ("USDT", "USDC", "FDUSD", "BUSD", "USD", "EUR", "BTC", "ETH")
# Exchanges of ccxt's that trade perpetual contracts alone, whose symbols name the settlement.
_SETTLED_IN_QUOTE = ("binanceusdm", "krakenfutures", "kucoinfutures")


def exchange_of(feed: str) -> str:
    """The exchange of a feed ``ccxt:EXCHANGE``.

    Raises:
        FeedError: there is no such feed.
    """
    kind, _, exchange = feed.partition(":")
    if kind != "ccxt" or not exchange:
        raise FeedError(f"no feed {feed!r}; there are replay, ccxt:EXCHANGE and oanda")
    return exchange


def symbol_of(name: str, feed: str) -> str:
    """Our name: ``BTC/USDT:USDT`` is ``BTCUSDT``, ``USD_JPY`` is ``USDJPY``.

    A replay's names are the bar store's, and ``MY_BARS`` is one of those.
    """
    base_and_quote = name.split(":")[0]
    joined = re.sub(r"[^A-Za-z0-9.]", "", base_and_quote).upper()
    is_currencies = len(joined) == _CURRENCIES and market_of(joined) == "fx"
    return base_and_quote.replace("/", "") if feed == "replay" and not is_currencies else joined


def venue_name(name: str, feed: str) -> str:
    """The name that `feed` ("replay", "oanda" or "ccxt:EXCHANGE") knows a pair by.

    A name in the venue's own form is kept.

    Raises:
        FeedError: there is no such feed, or our name does not say where base and quote part.
    """
    symbol = symbol_of(name, feed)
    if feed == "replay":
        return symbol
    exchange = "" if feed == "oanda" else exchange_of(feed)
    if symbol != name:
        return name
    if feed == "oanda":
        if market_of(symbol) != "fx":
            raise FeedError(f"{name}: OANDA's pairs look like USD_JPY")
        return f"{symbol[:3]}_{symbol[3:6]}"
    for quote in _QUOTES:
        if symbol.endswith(quote) and len(symbol) > len(quote):
            settled = f":{quote}" if exchange in _SETTLED_IN_QUOTE else ""
            return f"{symbol.removesuffix(quote)}/{quote}{settled}"
    raise FeedError(f"{name}: write the pair as the exchange does, such as BTC/USDT:USDT")


def venue_names(names: Iterable[str], feed: str) -> dict[str, str]:
    """The venue's name of every symbol.

    Raises:
        FeedError: a pair is named twice, or `venue_name` has no answer.
    """
    found: dict[str, str] = {}
    for name in names:
        symbol = symbol_of(name, feed)
        if symbol in found:
            raise FeedError(f"pair {symbol} is named twice")
        found[symbol] = venue_name(name, feed)
    return found
