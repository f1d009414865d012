"""Exchanges that answer public questions by POST may be asked; nothing that acts can be reached."""

import asyncio

import pytest

from mlx_muzero.errors import FeedError
from mlx_muzero.venues.ccxt_public import public_exchange


def sign(exchange, *request):
    async def main():
        made = public_exchange(exchange, {})
        try:
            return made.sign(*request)
        finally:
            await made.close()

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("exchange", "path", "section"),
    [
        ("hyperliquid", "info", ["public"]),
        ("grvt", "full/v1/kline", ["publicMarket"]),
        ("cex", "get_candles", ["public"]),
        ("derive", "get_tradingview_chart_data", ["public"]),
        ("zebpay", "v1/market/klines", ["public", "swap"]),
    ],
)
def test_what_reads_may_be_posted(exchange, path, section):
    assert sign(exchange, path, section, "POST", {})["method"] == "POST"


@pytest.mark.parametrize(
    ("exchange", "path", "section"),
    [
        ("lighter", "sendTx", ["public"]),
        ("woofipro", "register_account", ["v1", "public"]),
        ("derive", "send_quote", ["public"]),
        ("hyperliquid", "exchange", ["private"]),
        ("hyperliquid", "exchange", ["public"]),
        ("grvt", "full/v1/create_order", ["privateTrading"]),
        ("binance", "userDataStream", ["public"]),
    ],
)
def test_what_acts_may_not(exchange, path, section):
    with pytest.raises(FeedError, match="is not public"):
        sign(exchange, path, section, "POST", {})


def test_exchanges_that_do_not_push_are_there_too():
    assert sign("bitso", "ohlc", ["public"], "GET", {})["method"] == "GET"
