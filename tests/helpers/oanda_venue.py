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
        count = int(query.get("count", 5000))
        if "to" in query:
            end = int(query["to"]) // 60
            minutes = [
                m for m in self.minutes(pair, int(query["from"]) * SECOND_NS, 5000) if m < end
            ]
        elif "from" in query:
            minutes = self.minutes(pair, int(query["from"]) * SECOND_NS, count)
        else:
            minutes = self.minutes(pair, self.now_ns() - 10 * MINUTE_NS, 11)[-count:]
        rows = self.edit([self.row(pair, minute, query["price"]) for minute in minutes])
        return web.json_response({"instrument": pair, "granularity": "M1", "candles": rows})

    def row(self, pair, minute, sides="B"):
        *bid, volume = self.values(pair, minute)
        sent = {
            "complete": self.is_over(minute),
            "volume": int(volume),
            "time": f"{minute * 60}.000000000",
        }
        for side, name, above in (("B", "bid", 0.0), ("A", "ask", 0.002)):
            if side in sides:
                texts = (f"{price + above:.3f}" for price in bid)
                sent[name] = dict(zip("ohlc", texts, strict=True))
        return sent

    @asynccontextmanager
    async def listen(self):
        async with self.serve(web.get("/v3/instruments/{pair}/candles", self.candles)) as address:
            yield f"http://{address}"
