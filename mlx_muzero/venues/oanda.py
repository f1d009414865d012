"""OANDA's practice server: one-minute candles of bid, and ask, over its v20 REST interface.

Only ``GET /v3/instruments/{pair}/candles`` is ever requested. The token comes from the environment
and goes into one header. No message, log or ``repr`` of this module contains it, and messages from
the server are not passed on.
"""

import asyncio
import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from mlx_muzero.errors import FeedError
from mlx_muzero.market.bars import PRICE_COLUMNS
from mlx_muzero.timeunits import SECOND_NS
from mlx_muzero.venues.candle import Candle, known_time_ns, number
from mlx_muzero.venues.hours import dealer_market
from mlx_muzero.venues.http import date_ns, is_outage, missing_extra, retry_after_ns
from mlx_muzero.venues.names import venue_name
from mlx_muzero.venues.page import UNREAD_NS, Page
from mlx_muzero.venues.source import Listing, PairGone, Unavailable, VenueTime

TOKEN_VARIABLE = "OANDA_PRACTICE_TOKEN"
PRACTICE_URL = "https://api-fxpractice.oanda.com"
TIMEOUT_S = 10.0
MAX_ANSWER_BYTES = 4 * 1024 * 1024

_TIME = re.compile(r"\d{1,10}(\.\d{1,9})?", re.ASCII)


@dataclass(frozen=True)
class _Answer:
    headers: Mapping[str, str]
    body: bytes


class OandaSource:
    """A `venues.source.Source` of bids, and a `HistorySource` of bid and ask.

    Pairs are OANDA's names, such as ``USD_JPY``.

    Args:
        url: the server.
        quoted: ask for the ask of each bar too.

    Raises:
        FeedError: httpx is not installed, or the environment holds no token.
    """

    page_bars = 500
    page_sizes = (5000, 500)
    at_once = 2

    def __init__(self, url: str = PRACTICE_URL, *, quoted: bool = False) -> None:
        try:
            import httpx
        except ImportError:
            raise missing_extra("httpx") from None
        headers = {"Authorization": f"Bearer {_token()}", "Accept-Datetime-Format": "UNIX"}
        self._failures = (httpx.HTTPError, httpx.StreamError)
        self._sides = "BA" if quoted else "B"
        self._client = httpx.AsyncClient(base_url=url, headers=headers, timeout=TIMEOUT_S)

    async def fetch(
        self, pair: str, start_ns: int, bars: int | None = None, end_ns: int | None = None
    ) -> Sequence[Candle]:
        """See `Source.fetch`."""
        answer = await self._candles(pair, self._sides, start_ns, bars or self.page_bars, end_ns)
        sent_ns = date_ns(answer.headers)
        return [_candle(row, sent_ns) for row in _rows(answer)]

    async def listed(self, name: str) -> Listing:
        """See `HistorySource.listed`: OANDA says which it has to owners of an account only."""
        pair = venue_name(name, "oanda")
        return Listing(pair, dealer_market(pair))

    async def page(
        self, pair: str, start_ns: int | None, bars: int, end_ns: int | None = None
    ) -> Page:
        """See `HistorySource.page`; minutes that OANDA says are not over are left out."""
        rows = _rows(await self._candles(pair, "BA", start_ns, bars, end_ns))
        over = [
            row for row in rows if isinstance(row, Mapping) and row.get("complete") is not False
        ]
        times = [_time_ns(row.get("time")) for row in over]
        columns = {
            name + suffix: np.array([_price(row, side, name[0]) for row in over], np.float64)
            for side, suffix in (("bid", ""), ("ask", "_ask"))
            for name in PRICE_COLUMNS
        }
        columns["volume"] = np.array([number(row.get("volume")) for row in over], np.float64)
        time_ns = np.array([UNREAD_NS if time is None else time for time in times], np.int64)
        return Page.of(time_ns, columns)

    async def points(
        self, pair: str, series: str, start_ns: int | None, count: int, end_ns: int | None = None
    ) -> Page:
        """See `HistorySource.points`; no series is listed."""
        raise PairGone(f"OANDA has no {series} of {pair}")

    async def time(self, pair: str) -> VenueTime | None:
        """See `Source.time`: from an answer's ``Date`` header, as OANDA has no clock endpoint."""
        sent_ns = date_ns((await self._candles(pair, "B", None, 1)).headers)
        return None if sent_ns is None else VenueTime(sent_ns + SECOND_NS // 2, SECOND_NS)

    async def close(self) -> None:
        """See `Source.close`."""
        await self._client.aclose()

    async def _candles(
        self, pair: str, price: str, start_ns: int | None, count: int, end_ns: int | None = None
    ) -> _Answer:
        query = {"granularity": "M1", "price": price}
        if start_ns is not None:
            query["from"] = str(start_ns // SECOND_NS)
        if end_ns is None:
            query["count"] = str(count)
        else:
            query["to"] = str(end_ns // SECOND_NS)
        status, answer = await self._get(f"/v3/instruments/{pair}/candles", query)
        if status in (401, 403):
            remedy = "create a new one for a practice account"
            raise FeedError(f"OANDA refuses the token in {TOKEN_VARIABLE}: {remedy}")
        if is_outage(status):
            raise Unavailable(f"HTTP {status}", retry_after_ns(answer.headers))
        if status != 200:
            raise PairGone(f"OANDA has no candles of {pair} (HTTP {status})")
        return answer

    async def _get(self, path: str, query: Mapping[str, str]) -> tuple[int, _Answer]:
        """Return status and answer, unless it is late or too long."""
        body = bytearray()
        try:
            async with (
                asyncio.timeout(TIMEOUT_S),
                self._client.stream("GET", path, params=query) as response,
            ):
                async for part in response.aiter_bytes():
                    body += part
                    if len(body) > MAX_ANSWER_BYTES:
                        raise Unavailable("the answer is too long")
        except self._failures as error:
            raise Unavailable(type(error).__name__) from None
        except TimeoutError:
            raise Unavailable(f"no complete answer within {TIMEOUT_S:g} s") from None
        return response.status_code, _Answer(response.headers, bytes(body))


def _token() -> str:
    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    if not token:
        raise FeedError(f"{TOKEN_VARIABLE} is not set: it must hold an OANDA practice token")
    # A character that no header can carry would show up in some library's message.
    if not all("!" <= character <= "~" for character in token):
        raise FeedError(f"{TOKEN_VARIABLE} contains characters that a token cannot have")
    return token


def _rows(answer: _Answer) -> list[Any]:
    """The candles of an answer, unread.

    Raises:
        Unavailable: it has none.
    """
    try:
        rows = json.loads(answer.body)["candles"]
    except (ValueError, TypeError, KeyError, RecursionError):
        rows = None
    if not isinstance(rows, list):
        raise Unavailable("the answer is not a list of candles")
    return rows


def _price(row: Mapping[str, Any], side: str, which: str) -> float:
    """A price of a candle, NaN where there is none: "o", "h", "l" or "c" of "bid" or "ask"."""
    prices = row.get(side)
    return number(prices.get(which)) if isinstance(prices, Mapping) else math.nan


def _candle(row: Any, sent_ns: int | None) -> Candle:
    row = row if isinstance(row, Mapping) else {}
    complete = row.get("complete")
    return Candle(
        _time_ns(row.get("time")),
        open=_price(row, "bid", "o"),
        high=_price(row, "bid", "h"),
        low=_price(row, "bid", "l"),
        close=_price(row, "bid", "c"),
        volume=number(row.get("volume")),
        complete=complete if isinstance(complete, bool) else None,
        source_time_ns=sent_ns,
        open_ask=_price(row, "ask", "o"),
        close_ask=_price(row, "ask", "c"),
    )


def _time_ns(text: Any) -> int | None:
    """Seconds since 1970 with nine decimals, as nanoseconds; None if the text is not that."""
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        return None
    return known_time_ns(int(Decimal(text) * SECOND_NS), 1)
