"""Which pair of an exchange a name means."""

import pytest

from mlx_muzero.venues.ccxt_pairs import listed_pair
from mlx_muzero.venues.source import PairGone

SPOT, LINEAR, INVERSE = "BTC/USDT", "BTC/USDT:USDT", "BTC/USD:BTC"
MARKETS = {
    SPOT: {"id": "BTCUSDT", "contract": False},
    LINEAR: {"id": "BTC_PERP", "contract": True, "contractSize": 0.001},
    INVERSE: {"id": "BTCUSD_X", "contract": True, "inverse": True, "contractSize": 1.0},
    "ETH/USDT:USDT": {"id": "ETH_PERP", "contract": True},
}


@pytest.mark.parametrize(
    ("name", "pair"),
    [
        ("BTCUSDT", SPOT),
        ("btc/usdt", SPOT),
        ("BTC/USDT:USDT", LINEAR),
        ("ETHUSDT", "ETH/USDT:USDT"),
        ("BTCUSD_PERP", INVERSE),
        ("BTCUSD", INVERSE),
        ("ETH_PERP", "ETH/USDT:USDT"),
    ],
)
def test_a_name_is_ours_ccxts_or_the_exchanges(name, pair):
    assert listed_pair("binance", MARKETS, name).pair == pair


def test_two_markets_of_one_name_are_told_apart():
    listing = listed_pair("binance", MARKETS, "BTCUSDT")
    assert any(LINEAR in note for note in listing.notes)
    assert not listed_pair("binance", MARKETS, SPOT).notes


@pytest.mark.parametrize(("name", "similar"), [("BTCUSDC", SPOT), ("ETH/USD", "ETH/USDT:USDT")])
def test_what_is_not_listed_is_answered_with_similar_names(name, similar):
    with pytest.raises(PairGone, match=f"lists no pair {name}") as failure:
        listed_pair("binance", MARKETS, name)
    assert similar in str(failure.value)
