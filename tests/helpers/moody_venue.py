"""Binance's public market data on loopback, answered in the ways that venues answer."""

import asyncio
import itertools
import threading
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from aiohttp import web

from binance_venue import BinanceVenue
from mlx_muzero.timeunits import MINUTE_NS
from venue import prices

MILLISECOND_NS = 1_000_000


@dataclass(frozen=True)
class Moods:
    """How a venue answers.

    Attributes:
        cap: bars of an answer at most.
        window: minutes that an answer covers at most; None where it counts bars.
        newest: it gives the newest bars of the time asked for, not the oldest.
        heeds_start: whether it looks at the start at all, or gives its newest bars.
        heeds_end: whether it looks at the end.
        inclusive: whether the bar of the start is among them.
        oldest: it gives its oldest bars where no start is named.
        clock: whether it tells the time.
        kept: minutes that it keeps; None for all. Older ones are refused where `refuses`.
    """

    cap: int = 1000
    window: int | None = None
    newest: bool = False
    heeds_start: bool = True
    heeds_end: bool = True
    inclusive: bool = True
    oldest: bool = False
    clock: bool = True
    kept: int | None = None
    refuses: bool = False


# Real venues that answer so, by what ccxt sends them, their documentation or threads about them.
VENUES = {
    "forward from the start (binance spot)": Moods(),
    "fewer rows than asked for (binance of old)": Moods(cap=500),
    "windows of 300 (coinbase)": Moods(cap=300, window=300),
    "windows of 499 (gate, both ends count)": Moods(cap=499, window=499),
    "windows of 500 (kucoin, upbit)": Moods(cap=500, window=500),
    "windows of 1000 (bitget)": Moods(cap=1000, window=1000),
    "windows of 1440 (bigger than asked for)": Moods(cap=1440, window=1440),
    "newest 300 of the window (okx)": Moods(cap=300, window=1000, newest=True),
    "newest of all since the start (blofin)": Moods(newest=True),
    "newest 200 of all since the start (bybit of old)": Moods(cap=200, newest=True),
    "the start is left out": Moods(inclusive=False),
    "no clock": Moods(clock=False),
    "oldest bars without a start": Moods(oldest=True),
    "oldest bars without a start, and no clock": Moods(oldest=True, clock=False),
    "no end": Moods(window=500, heeds_end=False),
}


@dataclass
class StoppedClock:
    """The venue's time stands still at `now_ns`."""

    start_ns: int

    def monotonic_ns(self):
        return 0


class MoodyVenue(BinanceVenue):
    """Attributes (beside `Venue`'s):

    moods: how it answers.
    latency_s: how long that takes.
    listed: its first minute; None for since ever.
    asked: (symbol, first minute, bars, end) of every request for bars.
    announced: the rate of the next settlement as announced at a time in milliseconds.
    """

    def __init__(self, now_ns, moods=None, latency_s=0.0):
        super().__init__(StoppedClock(now_ns))
        self.moods, self.latency_s = moods or Moods(), latency_s
        self.first_minute, self.asked = None, []
        self.market = prices
        self.announced = lambda now_ms: now_ms // 180_000 % 50 / 1e5

    def has(self, minute):
        return minute not in self.silent and (
            self.first_minute is None or minute >= self.first_minute
        )

    def values(self, pair, minute):
        values = self.market(pair, minute)
        return values if self.is_over(minute) else (*values[:3], values[0], values[4] / 10)

    async def klines(self, request):
        moods, query = self.moods, request.query
        now = self.now_ns() // MINUTE_NS
        limit = min(int(query.get("limit", 500)), moods.cap)
        start = int(query["startTime"]) // 60_000 if "startTime" in query else None
        end = int(query["endTime"]) // 60_000 if "endTime" in query else None
        self.asked.append((query["symbol"], start, int(query.get("limit", 500)), end))
        await asyncio.sleep(self.latency_s)
        if moods.refuses and start is not None and start < now - moods.kept:
            body = {"code": -1127, "msg": "More than so many hours between startTime and now."}
            return web.json_response(body, status=400)
        rows = [self.row(query["symbol"], m) for m in self.wanted(start, end, limit, now)]
        return web.json_response(self.edit(rows))

    def wanted(self, start, end, limit, now):
        moods = self.moods
        oldest = 0 if moods.kept is None else now - moods.kept
        if start is None or not moods.heeds_start:
            start, counts_back = oldest, not moods.oldest
        else:
            start, counts_back = max(start + (not moods.inclusive), oldest), moods.newest
        last = now if end is None or not moods.heeds_end else min(end - 1, now)
        if moods.window is not None and not counts_back:
            last = min(last, start + min(moods.window, limit) - 1)
        elif moods.window is not None and moods.heeds_start and start > oldest:
            last = min(last, start + moods.window - 1)
        floor = start if self.first_minute is None else max(start, self.first_minute)
        minutes = range(last, floor - 1, -1) if counts_back else range(floor, last + 1)
        return sorted(itertools.islice(filter(self.has, minutes), limit))

    def more_routes(self):
        return (
            web.get("/fapi/v1/exchangeInfo", self.contracts),
            web.get("/fapi/v1/time", self.time),
            web.get("/fapi/v1/klines", self.klines),
            web.get("/fapi/v1/fundingRate", self.funding),
            web.get("/fapi/v1/premiumIndex", self.premium),
            web.get("/fapi/v1/depth", self.depth),
            web.get("/fstream/public/ws/{number}", self.stream),
            web.get("/futures/data/openInterestHist", self.open_interest),
        )

    async def contracts(self, request):
        symbols = [
            {
                "symbol": symbol, "pair": symbol, "contractType": "PERPETUAL", "status": "TRADING",
                "baseAsset": base, "quoteAsset": quote, "marginAsset": quote, "filters": [],
                "pricePrecision": 2, "quantityPrecision": 3, "baseAssetPrecision": 8,
                "quotePrecision": 8, "deliveryDate": 4133404800000, "onboardDate": 0,
                "underlyingType": "COIN",
            }
            for symbol, (base, quote) in self.symbols.items()
        ]  # fmt: skip
        return web.json_response({"timezone": "UTC", "serverTime": 0, "symbols": symbols})

    def points(self, request, every, most):
        """Minutes of points in the time asked for, the newest without a start."""
        query, now = request.query, self.now_ns() // MINUTE_NS
        end = min(int(query.get("endTime", 2**60)) // 60_000, now)
        limit = min(int(query.get("limit", 100)), most)
        if "startTime" not in query:
            return [m for m in range(end - limit * every, end + 1) if m % every == 0][-limit:]
        start = -(-int(query["startTime"]) // 60_000)
        return [m for m in range(start, end + 1) if m % every == 0][:limit]

    async def funding(self, request):
        rows = [
            {
                "symbol": request.query["symbol"], "fundingTime": m * 60_000 + 3,
                "fundingRate": f"{m % 100 / 1e6:.8f}", "markPrice": "1.0",
            }
            for m in self.points(request, 480, 1000)
        ]  # fmt: skip
        return web.json_response(rows)

    async def premium(self, request):
        now_ms = self.now_ns() // MILLISECOND_NS
        due_ms = (now_ms // 28_800_000 + 1) * 28_800_000
        answer = {
            "symbol": request.query["symbol"], "markPrice": "1.0", "indexPrice": "1.0",
            "estimatedSettlePrice": "1.0", "lastFundingRate": f"{self.announced(now_ms):.8f}",
            "interestRate": "0.0001", "nextFundingTime": due_ms, "time": now_ms,
        }  # fmt: skip
        return web.json_response(answer)

    async def open_interest(self, request):
        rows = [
            {
                "symbol": request.query["symbol"], "sumOpenInterest": f"{1000 + m % 77}",
                "sumOpenInterestValue": "5.0", "timestamp": m * 60_000,
            }
            for m in self.points(request, 5, 500)
        ]  # fmt: skip
        return web.json_response(rows)

    @asynccontextmanager
    async def listen(self):
        async with super().listen() as settings:
            markets = {"fetchMarkets": {"types": ["spot", "linear"]}}
            yield settings | {"has": {"fetchTime": self.moods.clock}, "options": markets}

    @web.middleware
    async def misbehave(self, request, handler):
        response = await super().misbehave(request, handler)
        if not self.moods.clock:
            response.headers["Date"] = "some day"
        return response


@contextmanager
def served(venue):
    """ccxt's settings for `venue`, which answers in another thread while the block runs."""
    loop, ready, settings = asyncio.new_event_loop(), threading.Event(), []
    over = asyncio.Event()

    async def serve():
        async with venue.listen() as found:
            settings.append(found)
            ready.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(60)
    try:
        yield settings[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)
        loop.close()
