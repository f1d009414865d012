"""Read-only ccxt exchanges: they hold no key and send no request that needs one.

ccxt gives every exchange trading methods. They remain but do nothing: every request passes through
`sign`, which allows only what reads, and anything that needs credentials is refused before that.
"""

import math
import re
import time
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from mlx_muzero.errors import FeedError
from mlx_muzero.venues.bounded_http import bounded_session
from mlx_muzero.venues.http import is_outage, missing_extra, retry_after_ns
from mlx_muzero.venues.source import Unavailable

_SET_BACK_S = 1.0

# Exchanges whose public data is asked for by POST, and which endpoints that are. Public sections of
# others have some that act: they send transactions, or register accounts.
_READ_BY_POST = {
    "cex": re.compile("get_"),
    "derive": re.compile("get_"),
    "grvt": re.compile("full/v1/"),
    "hyperliquid": re.compile("info$"),
    "zebpay": re.compile("v1/market/klines$"),
}
_OF_BINANCE = {"quote_volume": 7, "trades": 8, "taker_buy_volume": 9, "taker_buy_quote_volume": 10}
EXTRA_OF: Mapping[str, Mapping[str, int]] = {
    "binance": _OF_BINANCE,
    "binanceus": _OF_BINANCE,
    "binanceusdm": _OF_BINANCE,
    "kraken": {"trades": 7},
}
"""By exchange: further columns of the store, and where they are in a row of its own."""
_NOTHING = re.compile("(?!)")


def public_exchange(name: str, settings: Mapping[str, Any]) -> Any:
    """Make the exchange `name` of ccxt (of ccxt.pro, if it streams) without its private methods.

    Args:
        name: ccxt's name, such as ``binanceusdm``.
        settings: for ccxt's constructor; must not contain credentials.

    Raises:
        FeedError: ccxt is not installed or has no such exchange, or `settings` holds a credential.
    """
    try:
        import ccxt.async_support as asked
        import ccxt.pro as pushed
    except ImportError:
        raise missing_extra("ccxt") from None
    if name not in asked.exchanges:
        similar = get_close_matches(name.lower(), ["oanda", *asked.exchanges], 3)
        meant = f": did you mean {' or '.join(similar)}?" if similar else ""
        raise FeedError(f"ccxt has no exchange named {name}{meant}")
    exchange_class = getattr(pushed if name in pushed.exchanges else asked, name)
    secrets = exchange_class.requiredCredentials
    forbidden = sorted(secrets.keys() & settings.keys())
    if forbidden:
        raise FeedError(f"a feed takes no credentials: leave out {', '.join(forbidden)}")
    return _without_private_half(exchange_class)(dict(settings))


def _without_private_half(exchange_class: Any) -> Any:
    class PublicExchange(exchange_class):  # type: ignore[misc]
        session: Any
        _wall_ahead_s = -math.inf  # wall clock minus monotonic clock at the last request
        attach: Any = None  # called with every websocket client

        def sign(self, path: str, api: Any = "public", method: str = "GET", *rest: Any) -> Any:
            """Prepare a request, if it only reads."""
            by_post = method == "POST" and "public" in str(api).lower()
            reads = by_post and re.match(_READ_BY_POST.get(self.id, _NOTHING), path)
            if not (method == "GET" or reads) or "private" in str(api).lower():
                raise FeedError(f"{self.id} {method} {path} is not public: a feed only reads")
            return super().sign(path, api, method, *rest)

        def open(self, lazy: bool = False) -> None:
            """Open a session that limits the size of responses."""
            begins = self.session is None
            super().open(lazy)
            if begins and self.session is not None:
                self.session = bounded_session(self.session)

        def client(self, url: str) -> Any:
            """The websocket client of an address."""
            client = super().client(url)
            if self.attach is not None:
                self.attach(client)
            return client

        async def throttle(self, cost: Any = None) -> Any:
            """Wait as long as the rate limit requires.

            ccxt uses the wall clock: if it is set back by an hour, ccxt would wait an hour.
            """
            wall_ahead_s = time.time() - time.monotonic()
            if wall_ahead_s < self._wall_ahead_s - _SET_BACK_S:
                self.init_throttler()
            self._wall_ahead_s = wall_ahead_s
            return await super().throttle(cost)

        def check_required_credentials(self, error: bool = True) -> bool:
            """Refuse: there are no credentials."""
            if error:
                raise FeedError(f"{self.id} requires a key for that: a feed reads only public data")
            return False

        def handle_errors(
            self, code: int, reason: str, url: str, method: str, headers: Any, *rest: Any
        ) -> Any:
            """Separate overloads and outages, with the time to wait, from errors on our side."""
            if is_outage(code):
                raise Unavailable(f"HTTP {code}", retry_after_ns(headers))
            return super().handle_errors(code, reason, url, method, headers, *rest)

        def parse_ohlcv(self, ohlcv: Any, market: Any = None) -> list[Any]:
            """Parse a row, with the columns of `EXTRA_OF` that ccxt leaves out at the end."""
            row = super().parse_ohlcv(ohlcv, market)
            places = EXTRA_OF.get(self.id, {}).values()
            whole = isinstance(ohlcv, list) and len(ohlcv) > max(places, default=0)
            return [*row, *(ohlcv[i] for i in places)] if whole else row

        def parse_ohlcvs(self, ohlcvs: Any, *rest: Any, **options: Any) -> Any:
            """Parse the rows, if the answer contains any."""
            if not isinstance(ohlcvs, list):
                raise Unavailable("the answer is not a list of bars")
            # Something that is not a row becomes an empty one, whose bar is then rejected.
            rows = [row if isinstance(row, list | dict) else [] for row in ohlcvs]
            return super().parse_ohlcvs(rows, *rest, **options)

    PublicExchange.__name__ = exchange_class.__name__
    return PublicExchange
