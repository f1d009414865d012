"""Of ccxt only public data can be reached: no trading, no private endpoint, no key."""

import re

import pytest

from binance_venue import BinanceVenue
from mlx_muzero.errors import FeedError, MuZeroError
from mlx_muzero.venues.ccxt_public import public_exchange
from mlx_muzero.venues.ccxt_source import CcxtSource
from virtual_time import VirtualClock, run


def private_endpoints(api, path=()):
    """Every (path of sections, method, endpoint) that is not a GET of a public section."""
    for name, inside in api.items():
        if name.lower() in ("get", "post", "put", "delete", "patch"):
            for endpoint in inside:
                yield path, name.upper(), endpoint
        else:
            yield from private_endpoints(inside, (*path, name))


def asked_of_the_server(act):
    """Run `act(exchange)` and return what the server was asked after the markets were loaded."""

    async def main():
        venue = BinanceVenue(VirtualClock())
        async with venue.listen() as settings:
            exchange = public_exchange("binance", settings)
            try:
                await exchange.load_markets()
                venue.requests.clear()
                await act(exchange)
            finally:
                await exchange.close()
        return venue.requests

    return run(main())


def test_no_trading_method_can_be_reached():
    """Every method of ccxt's that trades, moves money or looks at an account."""
    verbs = "create|cancel|edit|close_position|withdraw|transfer|borrow|repay|set_|add_|reduce_"
    names = "order|position|withdraw|transfer|leverage|margin|borrow|repay|collateral|hedge"
    accounts = {"fetch_balance", "fetch_orders", "fetch_open_orders", "fetch_my_trades",
                "fetch_positions", "fetch_deposit_address", "fetch_ledger", "watch_balance",
                "watch_orders", "watch_my_trades", "watch_positions"}  # fmt: skip
    tried = []

    async def act(exchange):
        found = {
            name for name in dir(exchange)
            if re.match(rf"({verbs})", name) and re.search(names, name)
        } | accounts  # fmt: skip
        for name in sorted(found):
            for arguments in (
                ("BTC/USDT", "limit", "buy", 1.0, 100.0), ("1", "BTC/USDT"), ("BTC/USDT",), (),
                ("1", "BTC/USDT", "limit", "buy", 1.0, 100.0), ("USDT", 1.0, "spot", "future"),
                ("USDT", 1.0, "0x" + "1" * 40), (1, "BTC/USDT"), (["1"], "BTC/USDT"),
                ([{"symbol": "BTC/USDT", "type": "market", "side": "buy", "amount": 1}],),
            ):  # fmt: skip
                try:
                    made = getattr(exchange, name)(*arguments)
                    if hasattr(made, "__await__"):
                        await made
                except (FeedError, TypeError) as error:
                    if isinstance(error, FeedError):
                        tried.append(name)
                except Exception:  # ccxt's own refusals
                    pass

    requests = asked_of_the_server(act)
    private = [path for _, path, query in requests if "signature" in query]
    assert not private
    assert {path for _, path, _ in requests} <= {"/api/v3/exchangeInfo", "/api/v3/time"}
    assert {
        "create_order", "cancel_order", "create_order_ws", "cancel_order_ws", "withdraw",
        "transfer", "fetch_balance", "cancel_all_orders", "watch_balance", "watch_orders",
    } <= set(tried)  # fmt: skip


def test_no_private_endpoint_can_be_reached():
    """Every endpoint ccxt knows of Binance that is not a GET, or in a private section."""
    refused = []

    async def act(exchange):
        for path, method, endpoint in private_endpoints(exchange.api):
            if method == "GET" and "private" not in str(path).lower():
                continue
            with pytest.raises(MuZeroError):
                exchange.sign(endpoint, list(path) or "public", method, {})
            refused.append(endpoint)

    assert asked_of_the_server(act) == []
    assert len(refused) > 300


def test_no_key_is_taken_or_read(monkeypatch):
    for name in ("BINANCE_APIKEY", "BINANCE_API_KEY", "BINANCE_SECRET", "APIKEY", "SECRET"):
        monkeypatch.setenv(name, "a-key")
    exchange = public_exchange("binance", {})
    assert not any(getattr(exchange, name, None) for name in exchange.requiredCredentials)
    for name in exchange.requiredCredentials:
        with pytest.raises(FeedError, match=f"leave out {name}"):
            public_exchange("binance", {name: "a-key"})


def test_an_exchange_that_ccxt_does_not_have_is_named():
    with pytest.raises(FeedError, match="no exchange named mtgox"):
        CcxtSource("mtgox")
