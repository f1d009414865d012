#!/bin/sh
# ccxt 4.5.90 changes its one order book with every message and wakes whoever waits for it once. If
# several messages arrive together, as they do to a process that was busy, watch_order_book never
# returns the versions between them, and nothing tells of them: who samples a book by its own time
# gets other values than from a recording of the same messages. Binance's spot protocol on loopback,
# with changes sent in one go. Seen: "sent 2 3 4 5 6 seen 5 6". Exits 1 if all are seen.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m pip install -qq --disable-pip-version-check --target "$folder" ccxt==4.5.90
PYTHONPATH="$folder" "${PYTHON:-python3}" - <<'PROGRAM'
import asyncio, sys
import ccxt.pro
from aiohttp import web
SENT = range(2, 7)
PAIR = {"symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC", "quoteAsset": "USDT",
        "isSpotTradingAllowed": True, "filters": [], "permissions": ["SPOT"]}
ANSWERS = {"exchangeInfo": {"symbols": [PAIR]},
           "depth": {"lastUpdateId": 1, "bids": [["99", "1"]], "asks": [["100", "1"]]}}
async def ask(request): return web.json_response(ANSWERS[request.match_info["what"]])
async def stream(request):
    await (socket := web.WebSocketResponse()).prepare(request)
    await socket.send_json({"result": None, "id": (await socket.receive_json())["id"]})
    await asyncio.sleep(1)
    for n in SENT:
        await socket.send_json({"e": "depthUpdate", "E": n, "s": "BTCUSDT", "U": n, "u": n,
                                "b": [["99", str(n)]], "a": []})
    await socket.receive()
    return socket
async def main():
    (app := web.Application()).add_routes([web.get("/ws/{n}", stream), web.get("/v3/{what}", ask)])
    await (runner := web.AppRunner(app, shutdown_timeout=0.1)).setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    at, seen = "127.0.0.1:%d" % runner.addresses[0][1], []
    exchange = ccxt.pro.binance({"options": {"fetchMarkets": {"types": ["spot"]}}, "urls": {
        "api": {"public": f"http://{at}/v3", "ws": {"spot": f"ws://{at}/ws"}}}})
    while 6 not in seen:
        seen.append(int((await exchange.watch_order_book("BTC/USDT"))["bids"][0][1]))
    await exchange.close()
    print("sent", *SENT, "seen", *(n for n in seen if n > 1))
    sys.exit(set(SENT) <= set(seen))
asyncio.run(main())
PROGRAM
