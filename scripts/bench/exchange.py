"""Runs an exchange of Binance's protocol on loopback, in a process of its own, with latency."""

import asyncio
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mlx_muzero.timeunits import MINUTE_NS

MILLISECONDS = MINUTE_NS // 1_000_000
COINS = ("BTC", "ETH", "SOL", "XRP", "ADA", "LTC", "DOT", "LINK")
QUOTE = "USDT"


async def _serve(port: Any, now_ms: int, latency_s: float, page_bars: int) -> None:
    from aiohttp import web

    async def markets(_request: web.Request) -> web.Response:
        symbols = [
            {
                "symbol": f"{coin}{QUOTE}", "status": "TRADING", "baseAsset": coin,
                "quoteAsset": QUOTE, "baseAssetPrecision": 8, "quotePrecision": 8,
                "quoteAssetPrecision": 8, "baseCommissionPrecision": 8,
                "quoteCommissionPrecision": 8, "orderTypes": [], "isSpotTradingAllowed": True,
                "isMarginTradingAllowed": False, "filters": [], "permissions": ["SPOT"],
            }
            for coin in COINS
        ]  # fmt: skip
        return web.json_response({"timezone": "UTC", "serverTime": now_ms, "symbols": symbols})

    async def clock(_request: web.Request) -> web.Response:
        return web.json_response({"serverTime": now_ms})

    async def klines(request: web.Request) -> web.Response:
        count = min(int(request.query["limit"]), page_bars)
        recent_ms = now_ms - count * MILLISECONDS
        start = -(-int(request.query.get("startTime", recent_ms)) // MILLISECONDS)
        minutes = range(start, min(start + count, now_ms // MILLISECONDS + 1))
        await asyncio.sleep(latency_s)
        return web.Response(
            text=f"[{','.join(map(_row, minutes))}]", content_type="application/json"
        )

    app = web.Application()
    app.add_routes(
        [
            web.get("/api/v3/exchangeInfo", markets),
            web.get("/api/v3/time", clock),
            web.get("/api/v3/klines", klines),
        ]
    )
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port.send(runner.addresses[0][1])
    await asyncio.Event().wait()


def _row(minute: int) -> str:
    """A kline; its price is a slow wave, so that no step looks like another market's."""
    price = 100 + abs(minute % 2000 - 1000) / 1000
    open_ms = minute * MILLISECONDS
    return (
        f'[{open_ms},"{price:.2f}","{price + 0.5:.2f}","{price - 0.5:.2f}","{price:.2f}",'
        f'"{1 + minute % 9}.5",{open_ms + MILLISECONDS - 1},"1.0",7,"0.5","0.5","0"]'
    )


def _run(port: Any, now_ms: int, latency_s: float, page_bars: int) -> None:
    asyncio.run(_serve(port, now_ms, latency_s, page_bars))


@contextmanager
def exchange(now_ms: int, latency_s: float, page_bars: int = 1000) -> Iterator[dict[str, Any]]:
    """Ccxt's settings for the exchange, which runs while the block does; its time stands still."""
    import ccxt.pro

    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(theirs, now_ms, latency_s, page_bars), daemon=True)
    process.start()
    try:
        address = f"http://127.0.0.1:{ours.recv()}"
        urls = ccxt.pro.binance().urls["api"]
        asked = {n: f"{address}/{u.split('/', 3)[3]}" for n, u in urls.items() if n != "ws"}
        yield {
            "urls": {"api": asked},
            "options": {"fetchMarkets": {"types": ["spot"]}},
            "verify": False,
        }
    finally:
        process.terminate()
        process.join()
