"""One-minute bars of a crypto exchange through ccxt, polled and, where possible, pushed.

Only ccxt's unified methods are used. They report neither whether a pushed minute is over (which
`paper.feeds.final_candle` works out) nor when it was sent.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mlx_muzero.errors import FeedError
from mlx_muzero.market.bars import BAR_COLUMNS
from mlx_muzero.market.series import BOOK_IMBALANCE, FUNDING_ANNOUNCED, FUNDING_RATE, OF_BARS
from mlx_muzero.timeunits import MINUTE_NS, SECOND_NS
from mlx_muzero.venues.announced_rate import AnnouncedRate
from mlx_muzero.venues.candle import Candle, known_time_ns, number
from mlx_muzero.venues.ccxt_books import NotedBooks
from mlx_muzero.venues.ccxt_pairs import listed_pair
from mlx_muzero.venues.ccxt_public import EXTRA_OF, public_exchange
from mlx_muzero.venues.ccxt_series import (
    OPEN_INTEREST_PERIOD,
    announced_rates,
    announces,
    book_top,
    funding_rows,
    market_of_name,
    offered,
    open_interest_rows,
)
from mlx_muzero.venues.http import date_ns
from mlx_muzero.venues.order_book import BookTop
from mlx_muzero.venues.page import Page
from mlx_muzero.venues.source import Listing, PairGone, Refused, Unavailable, VenueTime
from mlx_muzero.venues.volume_units import in_base, unit_of

MILLISECOND_NS = 1_000_000
_CLOCK_TOLERANCE_NS = MINUTE_NS

# Errors that waiting does not cure; everything else counts as an outage.
_GONE = ("BadSymbol",)  # for this pair
_REFUSED = ("BadRequest",)  # for this pair, asked like this
_FINAL = ("ArgumentsRequired", "NotSupported", "AuthenticationError")


class CcxtSource:
    """A `venues.source.PushSource`, `BookSource`, `AnnouncingSource` and `HistorySource`.

    Pairs are ccxt's symbols, such as ``BTC/USDT:USDT``.

    Args:
        exchange: ccxt's name, such as ``binanceusdm``.
        settings: for ccxt's constructor, such as ``{"options": ...}``; no credentials.

    Raises:
        FeedError: see `ccxt_public.public_exchange`.
    """

    page_bars = 500

    def __init__(self, exchange: str, settings: Mapping[str, Any] | None = None) -> None:
        self._exchange = public_exchange(exchange, settings or {})
        self._books = NotedBooks()
        self._exchange.attach = self._books.attach
        self._has_clock = bool(self._exchange.has.get("fetchTime"))
        limits = list(_limits(self._exchange.features))
        self.page_bars = min(self.page_bars, *limits)
        # More would only wait for ccxt's throttle, which is as fast as the exchange allows.
        self.at_once = max(1, min(4, int(1000 / max(self._exchange.rateLimit or 1000, 1))))
        self.page_sizes = sorted({1000, *limits, 300, 100}, reverse=True)

    @property
    def pushes(self) -> bool:
        """Whether ccxt can stream this exchange's bars."""
        return bool(self._exchange.has.get("watchOHLCV"))

    def series_of(self, pair: str) -> tuple[str, ...]:
        """Names of the series of `pair`, as far as its name shows; asks nobody.

        Of these, `fetch` brings the share that takers bought, and the number of trades; `book` and
        `listen_book` bring what the imbalance is made from, and `announced` the announcements.
        """
        told, market = self._extras_of(pair), market_of_name(pair)
        has = self._exchange.has
        return (
            *offered(self._exchange, market),
            *([FUNDING_ANNOUNCED] if announces(self._exchange, market) else ()),
            *(name for name, column in OF_BARS.items() if column in told),
            *([BOOK_IMBALANCE] if has.get("watchOrderBook") or has.get("fetchOrderBook") else ()),
        )

    async def fetch(
        self, pair: str, start_ns: int, bars: int | None = None, end_ns: int | None = None
    ) -> Sequence[Candle]:
        """See `Source.fetch`; volumes are as those of `page`."""
        rows = await self._rows(pair, start_ns, bars or self.page_bars, end_ns)
        return self._in_base(_candles(rows, self._sent_ns(), self._extras_of(pair)), pair)

    async def listed(self, name: str) -> Listing:
        """See `HistorySource.listed`."""
        exchange = self._exchange
        if "1m" not in (exchange.timeframes or {}) or not exchange.has.get("fetchOHLCV"):
            raise FeedError(f"{exchange.id} has no minute bars in ccxt: choose another exchange")
        await _answer(exchange.load_markets(), exchange.id)
        listing = listed_pair(exchange.id, exchange.markets, name)
        return replace(listing, series=offered(exchange, exchange.markets[listing.pair]))

    async def page(
        self, pair: str, start_ns: int | None, bars: int, end_ns: int | None = None
    ) -> Page:
        """See `HistorySource.page`; volumes are in the base currency where that can be had."""
        exchange = self._exchange
        rows = await self._rows(pair, start_ns, bars, end_ns)
        market = exchange.markets[pair]
        page = Page.of_rows(_checked(rows), (*BAR_COLUMNS, *self._extras_of(pair)))
        volume = in_base(page.columns, exchange.id, market)
        return Page(page.open_time_ns, {**page.columns, "volume": volume})

    async def points(
        self, pair: str, series: str, start_ns: int | None, count: int, end_ns: int | None = None
    ) -> Page:
        """See `SeriesSource.points`."""
        since_ms = None if start_ns is None else start_ns // MILLISECOND_NS
        until = {} if end_ns is None else {"until": end_ns // MILLISECOND_NS}
        exchange = self._exchange
        if series == FUNDING_RATE:
            request = exchange.fetch_funding_rate_history(pair, since_ms, count, until)
            rows = funding_rows(_records(await _answer(request, self._name(pair))))
        else:
            request = exchange.fetch_open_interest_history(
                pair, OPEN_INTEREST_PERIOD, since_ms, count, until
            )
            answer = _records(await _answer(request, self._name(pair)))
            rows = open_interest_rows(answer, exchange.id, exchange.markets[pair])
        return Page.of_rows(rows, ("value",))

    async def announced(self, pair: str) -> Sequence[AnnouncedRate]:
        """See `AnnouncingSource.announced`."""
        request = self._exchange.fetch_funding_rate(pair)
        return announced_rates(await _answer(request, self._name(pair)))

    async def time(self, pair: str) -> VenueTime | None:
        """See `Source.time`: the exchange's clock or, failing that, an answer's ``Date`` header."""
        if self._has_clock:
            try:
                time_ms = await _answer(self._exchange.fetch_time(), self._exchange.id)
            except FeedError:
                time_ms = None
            time_ns = known_time_ns(time_ms, MILLISECOND_NS)
            if time_ns is not None and not self._sent_at_another_time(time_ns):
                return VenueTime(time_ns, MILLISECOND_NS)
            self._has_clock = False  # despite what ccxt says
        await _answer(self._exchange.fetch_ohlcv(pair, "1m", None, 1), self._name(pair))
        sent_ns = self._sent_ns()
        return None if sent_ns is None else VenueTime(sent_ns + SECOND_NS // 2, SECOND_NS)

    def _sent_ns(self) -> int | None:
        """When the last answer was sent, by its header; valid until something else is awaited."""
        return date_ns(self._exchange.last_response_headers or {})

    def _sent_at_another_time(self, time_ns: int) -> bool:
        """Whether the last answer's header contradicts the clock that the answer tells of.

        A clock in other units, or one that an intermediary has cached, is none.
        """
        sent_ns = self._sent_ns()
        return sent_ns is not None and abs(time_ns - sent_ns) > _CLOCK_TOLERANCE_NS

    async def listen(self, pair: str) -> AsyncIterator[Sequence[Candle]]:
        """See `PushSource.listen`."""
        while True:
            rows = await _answer(self._exchange.watch_ohlcv(pair, "1m"), self._name(pair))
            yield self._in_base(_candles(rows, None), pair)

    @property
    def pushes_books(self) -> bool:
        """See `BookSource.pushes_books`."""
        return bool(self._exchange.has.get("watchOrderBook"))

    async def book(self, pair: str) -> BookTop:
        """See `BookSource.book`."""
        return book_top(await _answer(self._exchange.fetch_order_book(pair), self._name(pair)))

    async def listen_book(self, pair: str) -> AsyncIterator[BookTop]:
        """See `BookSource.listen_book`; ccxt keeps the book, and fails where a change was lost."""
        self._books.follow(pair)
        while True:
            book = await _answer(self._exchange.watch_order_book(pair), self._name(pair))
            for version in self._books.take(pair, book):
                yield version

    async def hang_up(self, pair: str) -> None:
        """See `PushSource.hang_up`; closes all pairs, which share a connection in ccxt."""
        await self._exchange.close_ws_clients()

    async def close(self) -> None:
        """See `Source.close`."""
        await self._exchange.close()

    def _in_base(self, candles: list[Candle], pair: str) -> list[Candle]:
        """The candles with volumes in the base currency where that can be had."""
        market = self._exchange.markets[pair]
        if unit_of(self._exchange.id, market) in ("base", "unknown"):
            return candles
        columns = {n: np.array([getattr(c, n) for c in candles]) for n in BAR_COLUMNS}
        volumes = in_base(columns, self._exchange.id, market).tolist()
        return [replace(c, volume=volume) for c, volume in zip(candles, volumes, strict=True)]

    async def _rows(self, pair: str, start_ns: int | None, bars: int, end_ns: int | None) -> Any:
        since_ms = None if start_ns is None else start_ns // MILLISECOND_NS
        until = {} if end_ns is None else {"until": end_ns // MILLISECOND_NS}
        request = self._exchange.fetch_ohlcv(pair, "1m", since_ms, bars, until)
        return await _answer(request, self._name(pair))

    def _extras_of(self, pair: str) -> tuple[str, ...]:
        """The further columns of a row of bars, in order; volumes are in the base currency."""
        # Those of inverse contracts count contracts.
        inverse = market_of_name(pair)["inverse"]
        return () if inverse else tuple(EXTRA_OF.get(self._exchange.id, ()))

    def _name(self, pair: str) -> str:
        return f"{self._exchange.id} {pair}"


async def _answer(request: Awaitable[Any], name: str) -> Any:
    """Await an answer from ccxt, sorting its errors by whether waiting may help."""
    import ccxt

    try:
        return await request
    except tuple(getattr(ccxt, kind) for kind in _GONE) as error:
        raise PairGone(f"{name} is not available: {error}") from error
    except tuple(getattr(ccxt, kind) for kind in _REFUSED) as error:
        raise Refused(f"{name} is not available: {error}") from error
    except tuple(getattr(ccxt, kind) for kind in _FINAL) as error:
        raise FeedError(f"{name} is not available: {error}") from error
    except ccxt.BaseError as error:
        said = str(error) if isinstance(error, ccxt.ExchangeError) else ""
        raise Unavailable(type(error).__name__, said=said) from error
    except (FeedError, Unavailable):
        raise
    except Exception as error:  # ccxt does not check the shape of answers
        raise Unavailable(f"the answer cannot be read ({type(error).__name__})") from error
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        # ccxt cancels whatever waits on a connection it closes.
        raise Unavailable("the connection was closed") from None


def _candles(rows: Any, sent_ns: int | None, extras: Sequence[str] = ()) -> list[Candle]:
    """Parse ccxt rows: time in milliseconds, open, high, low, close, volume; None if unread.

    `extras` are the further columns of a row, some of which a candle has, too.

    Raises:
        Unavailable: they are not rows.
    """
    return [_candle(row, sent_ns, extras) for row in _checked(rows)]


def _checked(rows: Any) -> list[Sequence[Any]]:
    if not isinstance(rows, list) or not all(isinstance(row, list | tuple) for row in rows):
        raise Unavailable("the answer is not a list of bars")
    return rows


def _records(answer: Any) -> list[Mapping[str, Any]]:
    if not isinstance(answer, list) or not all(isinstance(row, Mapping) for row in answer):
        raise Unavailable("the answer is not a list of points")
    return answer


def _candle(row: Sequence[Any], sent_ns: int | None, extras: Sequence[str]) -> Candle:
    time_ms, *values = [*row, *[None] * 6][:6]
    open_, high, low, close, volume = map(number, values)
    time_ns = known_time_ns(time_ms, MILLISECOND_NS)
    more = dict(zip(extras, row[1 + len(BAR_COLUMNS) :], strict=False))
    return Candle(
        *(time_ns, open_, high, low, close, volume),
        source_time_ns=sent_ns,
        taker_buy_volume=number(more.get("taker_buy_volume")),
        trades=number(more.get("trades")),
    )


def _limits(features: Any) -> Iterator[int]:
    """Maximum number of bars per request, for each kind of market where ccxt knows it."""
    if isinstance(features, Mapping):
        for name, inside in features.items():
            limit = inside.get("limit") if isinstance(inside, Mapping) else None
            if name == "fetchOHLCV" and isinstance(limit, int):
                yield limit
            yield from _limits(inside)
