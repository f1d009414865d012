"""Volumes of exchanges in the base currency, as far as it is known what they count."""

import asyncio

import numpy as np
import pytest

from mlx_muzero.venues.ccxt_source import CcxtSource
from mlx_muzero.venues.volume_units import in_base, note_of, unit_of

SPOT = {"contract": False, "quote": "USDT"}
LINEAR = {"contract": True, "inverse": False, "contractSize": 0.01, "quote": "USDT"}
INVERSE = {"contract": True, "inverse": True, "contractSize": 100.0, "quote": "USD"}
BAR = {"high": np.array([210.0]), "low": np.array([190.0]), "close": np.array([200.0])}


@pytest.mark.parametrize(
    ("exchange", "market", "unit", "volume"),
    [
        ("gate", SPOT, "base", 6.0),
        ("nobody", SPOT, "base", 6.0),
        ("binance", LINEAR, "base", 6.0),
        ("binancecoinm", INVERSE, "base", 6.0),
        ("okx", INVERSE, "base", 6.0),
        ("bybit", INVERSE, "base", 6.0),
        ("gate", LINEAR, "contracts", 0.06),
        ("kucoinfutures", LINEAR, "contracts", 0.06),
        ("kucoinfutures", INVERSE, "contracts", 3.0),
        ("bitget", LINEAR, "base", 6.0),
        ("bitget", INVERSE, "quote", 0.03),
        ("nobody", LINEAR, "unknown", 6.0),
        ("gate", LINEAR | {"contractSize": None}, "unknown", 6.0),
    ],
)
def test_volumes_are_in_the_base_currency(exchange, market, unit, volume):
    assert unit_of(exchange, market) == unit
    found = in_base(BAR | {"volume": np.array([6.0])}, exchange, market)
    assert found == pytest.approx([volume])
    assert (note_of(exchange, market) is None) == (unit == "base")


@pytest.mark.parametrize(
    ("exchange", "market", "volume"), [("gate", LINEAR, 0.06), ("bitget", INVERSE, 0.03)]
)
def test_live_bars_have_the_volumes_of_downloaded_ones(exchange, market, volume):
    async def main():
        source = CcxtSource(exchange)
        source._exchange.markets = {"PAIR": market}

        async def rows(*_asked):
            return [[60_000, 200.0, 210.0, 190.0, 200.0, 6.0]]

        source._exchange.fetch_ohlcv = source._exchange.watch_ohlcv = rows
        (asked,) = await source.fetch("PAIR", 0)
        pushed = await anext(source.listen("PAIR"))
        page = await source.page("PAIR", 0, 1)
        await source.close()
        return asked.volume, pushed[0].volume, float(page.columns["volume"][0])

    assert asyncio.run(main()) == pytest.approx((volume,) * 3)


def test_what_is_not_known_is_said():
    assert "not known" in note_of("nobody", LINEAR)
    assert "0.01" in note_of("gate", LINEAR)
    assert "USD" in note_of("bitget", INVERSE)
