"""OANDA's v20 candles, as documented, from a `venue.Venue`."""

from contextlib import asynccontextmanager

from aiohttp import web

from mlx_muzero.timeunits import MINUTE_NS
from venue import Venue
from virtual_time import SECOND_NS

TOKEN = "3f9c-not-a-real-token-77aa"


class OandaVenue(Venue):
    instruments = ("USD_JPY", "EUR_USD")

    async def candles(self, request):
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            text = "Insufficient authorization to perform request."
            return web.json_response({"errorMessage": text}, status=401)
        pair, query = request.match_info["pair"], request.query
        if pair not in self.instruments or request.headers["Accept-Datetime-Format"] != "UNIX":
            return web.json_response({"errorMessage": "Invalid value"}, status=400)
        assert query["granularity"] == "M1"
        assert query["price"] == "B"
        count = int(query["count"])
        if "from" in query:
            minutes = self.minutes(pair, int(query["from"]) * SECOND_NS, count)
        else:
            minutes = self.minutes(pair, self.now_ns() - 10 * MINUTE_NS, 11)[-count:]
        rows = self.edit([self.row(pair, minute) for minute in minutes])
        return web.json_response({"instrument": pair, "granularity": "M1", "candles": rows})

    def row(self, pair, minute):
        *bid, volume = self.values(pair, minute)
        return {
            "complete": self.is_over(minute),
            "volume": int(volume),
            "time": f"{minute * 60}.000000000",
            "bid": dict(zip("ohlc", (f"{price:.3f}" for price in bid), strict=True)),
        }

    @asynccontextmanager
    async def listen(self):
        async with self.serve(web.get("/v3/instruments/{pair}/candles", self.candles)) as address:
            yield f"http://{address}"
