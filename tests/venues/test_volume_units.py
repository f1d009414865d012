"""Volumes of exchanges in the base currency, as far as it is known what they count."""

import numpy as np
import pytest

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


def test_what_is_not_known_is_said():
    assert "not known" in note_of("nobody", LINEAR)
    assert "0.01" in note_of("gate", LINEAR)
    assert "USD" in note_of("bitget", INVERSE)
