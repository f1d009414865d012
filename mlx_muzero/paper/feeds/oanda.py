"""OANDA's practice server: one-minute bid candles over its v20 REST interface.

Only ``GET /v3/instruments/{pair}/candles`` is ever asked. The token comes from the environment
and goes into one header; no message, log or ``repr`` of this module has it, and messages of the
server are not passed on.
"""

import os
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from mlx_muzero.errors import FeedError
from mlx_muzero.paper.feeds.candle import Candle, number
from mlx_muzero.paper.feeds.events import SECOND_NS
from mlx_muzero.paper.feeds.http import date_ns, missing_extra, retry_after_ns
from mlx_muzero.paper.feeds.source import Unavailable, VenueTime

if TYPE_CHECKING:
    import httpx

TOKEN_VARIABLE = "OANDA_PRACTICE_TOKEN"
PRACTICE_URL = "https://api-fxpractice.oanda.com"
TIMEOUT_S = 10.0


class OandaSource:
    """A `feeds.source.Source`; pairs are OANDA's names, such as ``USD_JPY``.

    Args:
        url: the server.

    Raises:
        FeedError: httpx is not installed, or the environment holds no token.
    """

    page_bars = 500

    def __init__(self, url: str = PRACTICE_URL) -> None:
        try:
            import httpx
        except ImportError:
            raise missing_extra("httpx") from None
        headers = {"Authorization": f"Bearer {_token()}", "Accept-Datetime-Format": "UNIX"}
        self._failures = (httpx.HTTPError, httpx.StreamError)
        self._client = httpx.AsyncClient(base_url=url, headers=headers, timeout=TIMEOUT_S)

    async def fetch(self, pair: str, start_ns: int) -> Sequence[Candle]:
        """See `Source.fetch`."""
        response = await self._candles(pair, start_ns, self.page_bars)
        try:
            rows = response.json()["candles"]
        except (ValueError, TypeError, KeyError):
            rows = None
        if not isinstance(rows, list):
            raise Unavailable("the answer is not a list of candles")
        sent_ns = date_ns(response.headers)
        return [_candle(row, sent_ns) for row in rows]

    async def time(self, pair: str) -> VenueTime:
        """See `Source.time`: from the ``Date`` of an answer, as OANDA has no clock to ask."""
        response = await self._candles(pair, None, 1)
        sent_ns = date_ns(response.headers)
        if sent_ns is None:
            raise Unavailable("the answer has no date")
        return VenueTime(sent_ns + SECOND_NS // 2, SECOND_NS)

    async def close(self) -> None:
        """See `Source.close`."""
        await self._client.aclose()

    async def _candles(self, pair: str, start_ns: int | None, count: int) -> "httpx.Response":
        query = {"granularity": "M1", "price": "B", "count": str(count)}
        if start_ns is not None:
            query["from"] = str(start_ns // SECOND_NS)
        try:
            response = await self._client.get(f"/v3/instruments/{pair}/candles", params=query)
        except self._failures as error:
            raise Unavailable(type(error).__name__) from None
        if response.status_code in (401, 403):
            remedy = "make a new one for a practice account"
            raise FeedError(f"OANDA refuses the token in {TOKEN_VARIABLE}: {remedy}")
        if response.status_code == 429 or response.status_code >= 500:
            raise Unavailable(f"HTTP {response.status_code}", retry_after_ns(response.headers))
        if response.status_code != 200:
            raise FeedError(f"OANDA has no candles of {pair} (HTTP {response.status_code})")
        return response


def _token() -> str:
    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    if not token:
        raise FeedError(f"{TOKEN_VARIABLE} is not set: it has to hold an OANDA practice token")
    # A character that no header can carry would end up in some library's message.
    if not all("!" <= character <= "~" for character in token):
        raise FeedError(f"{TOKEN_VARIABLE} holds characters that no token has")
    return token


def _candle(row: Any, sent_ns: int | None) -> Candle:
    row = row if isinstance(row, Mapping) else {}
    prices = row.get("bid")
    prices = prices if isinstance(prices, Mapping) else {}
    complete = row.get("complete")
    return Candle(
        _time_ns(row.get("time")),
        open=number(prices.get("o")),
        high=number(prices.get("h")),
        low=number(prices.get("l")),
        close=number(prices.get("c")),
        volume=number(row.get("volume")),
        complete=complete if isinstance(complete, bool) else None,
        source_time_ns=sent_ns,
    )


def _time_ns(text: Any) -> int | None:
    """Seconds since 1970 with nine decimals, as nanoseconds; None if it is no such text."""
    try:
        return int(Decimal(text) * SECOND_NS)
    except (InvalidOperation, TypeError, ValueError, OverflowError):
        return None
