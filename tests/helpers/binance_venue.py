"""Binance's klines and order books, REST and websocket, as documented and as ccxt uses them."""

import asyncio
import functools
import json
from contextlib import asynccontextmanager

from aiohttp import WSMsgType, web

from book_venue import Books
from mlx_muzero.timeunits import MINUTE_NS
from venue import Venue
from virtual_time import SECOND_NS

MILLISECOND_NS = 1_000_000
SYMBOLS = {"BTCUSDT": ("BTC", "USDT"), "ETHUSDT": ("ETH", "USDT")}


class BinanceVenue(Venue):
    """Attributes (beside `Venue`'s):

    mute: whether sockets stay open and say nothing.
    extra: websocket messages to send with the next update, for duplicates and corrections.
    push_every_ns: between two updates of a minute that is not over.
    books: its order books.
    symbols: base and quote of each symbol that it lists.
    """

    def __init__(self, clock):
        super().__init__(clock)
        self.mute = False
        self.extra = []
        self.push_every_ns = 10 * SECOND_NS
        self.sockets, self.symbols = set(), SYMBOLS
        self.books = Books(self.now_ns)

    async def exchange_info(self, request):
        symbols = [
            {
                "symbol": symbol, "status": "TRADING", "baseAsset": base, "quoteAsset": quote,
                "baseAssetPrecision": 8, "quotePrecision": 8, "quoteAssetPrecision": 8,
                "baseCommissionPrecision": 8, "quoteCommissionPrecision": 8,
                "orderTypes": ["LIMIT", "MARKET"], "isSpotTradingAllowed": True,
                "isMarginTradingAllowed": False, "filters": [], "permissions": ["SPOT"],
            }
            for symbol, (base, quote) in self.symbols.items()
        ]  # fmt: skip
        now_ms = self.now_ns() // MILLISECOND_NS
        return web.json_response({"timezone": "UTC", "serverTime": now_ms, "symbols": symbols})

    async def time(self, request):
        return web.json_response({"serverTime": self.now_ns() // MILLISECOND_NS})

    async def klines(self, request):
        query = request.query
        assert query["interval"] == "1m"
        count = int(query["limit"])
        recent_ms = (self.now_ns() - count * MINUTE_NS) // MILLISECOND_NS
        start_ns = int(query.get("startTime", recent_ms)) * MILLISECOND_NS
        minutes = self.minutes(query["symbol"], start_ns, count)
        return web.json_response(self.edit([self.row(query["symbol"], m) for m in minutes]))

    def row(self, symbol, minute):
        *bar, volume = self.values(symbol, minute)
        open_ms = minute * 60_000
        texts = [f"{price:.8f}" for price in bar]
        return [open_ms, *texts, f"{volume:.8f}", open_ms + 59_999, "1.0", 7, "0.5", "0.5", "0"]

    def kline(self, symbol, minute, **changes):
        """One message of the kline stream."""
        row = self.row(symbol, minute)
        k = {
            "t": row[0], "T": row[6], "s": symbol, "i": "1m", "f": 1, "L": 2, "o": row[1],
            "c": row[4], "h": row[2], "l": row[3], "v": row[5], "n": 7,
            "x": self.is_over(minute), "q": "1.0", "V": "0.5", "Q": "0.5", "B": "0",
        }  # fmt: skip
        now_ms = self.now_ns() // MILLISECOND_NS
        return {"e": "kline", "E": now_ms, "s": symbol, "k": k | changes}

    async def stream(self, request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.add(socket)
        pushing = {}
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    break
                asked = json.loads(message.data)
                assert asked["method"] == "SUBSCRIBE"
                await socket.send_json({"result": None, "id": asked["id"]})
                for name in asked["params"]:
                    symbol, channel = name.split("@", 1)
                    push = {"kline_1m": self.push, "depth@100ms": self.push_book}[channel]
                    if name not in pushing:
                        pushing[name] = asyncio.create_task(push(socket, symbol.upper()))
        finally:
            self.sockets.discard(socket)
            for task in pushing.values():
                task.cancel()
        return socket

    async def push(self, socket, symbol):
        """Updates of the minute that is not over, and its last one when it is."""
        while not socket.closed:
            minute = self.now_ns() // MINUTE_NS
            if not self.mute:
                await socket.send_json(self.kline(symbol, minute))
            left_ns = (minute + 1) * MINUTE_NS - self.now_ns()
            await self.clock.sleep(min(self.push_every_ns, left_ns))
            if not self.mute and self.is_over(minute):
                for message in [self.kline(symbol, minute), *self.extra]:
                    await socket.send_json(message)
                self.extra = []

    async def push_book(self, socket, symbol):
        """Every change of the book, some at once."""
        bunch = []
        while not socket.closed:
            step = self.books.step()
            message = None if self.mute else self.books.change(symbol, step)
            if message:
                bunch.append(message)
            if len(bunch) >= self.books.at_once:
                for message in bunch:
                    await socket.send_json(message)
                bunch = []
            await self.clock.sleep((step + 1) * self.books.every_ns - self.now_ns())

    async def depth(self, request):
        return web.json_response(self.books.snapshot(request.query["symbol"]))

    def drop_sockets(self):
        for socket in list(self.sockets):
            socket._req.transport.abort()

    def more_routes(self):
        return ()

    @asynccontextmanager
    async def listen(self):
        """ccxt's settings for this server, while the block runs."""
        routes = (
            web.get("/api/v3/exchangeInfo", self.exchange_info),
            web.get("/api/v3/time", self.time),
            web.get("/api/v3/klines", self.klines),
            web.get("/api/v3/depth", self.depth),
            web.get("/stream/ws/{number}", self.stream),
            *self.more_routes(),
        )
        async with self.serve(*routes) as address:
            yield pointed_at(address)


@functools.cache
def binance_addresses():
    import ccxt.pro

    urls = ccxt.pro.binance().urls["api"]
    return {name: url.split("/", 3)[3] for name, url in urls.items() if name != "ws"}


def pointed_at(address):
    """ccxt's settings that send every one of Binance's addresses to `address`."""
    asked = {name: f"http://{address}/{path}" for name, path in binance_addresses().items()}
    pushed = {"spot": f"ws://{address}/stream/ws", "linear": f"ws://{address}/fstream/ws"}
    return {
        "urls": {"api": asked | {"ws": pushed}},
        "options": {"fetchMarkets": {"types": ["spot"]}},
        "rateLimit": 1,
        "verify": False,  # certificates take long to load, and nobody here has one
    }
