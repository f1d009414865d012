"""The price of exposure: nothing where there is room for all, something where it is scarce."""

import numpy as np
import pytest

from mlx_muzero.search.chain_values import ChainMarket
from mlx_muzero.search.exposure_price import ExposureMarket
from mlx_muzero.search.terms import Terms
from mlx_muzero.trading.positions import FX_ACTIONS

ONCE = np.zeros(1, np.int64)


def terms(cost=4.0):
    paid = np.where(FX_ACTIONS.next_position > 0, cost, 0.0)
    paid[1:] = 0.0
    return Terms.free_to_hold(FX_ACTIONS.exposures, FX_ACTIONS.next_position, paid[None])


def offers():
    """Idle, then now and then ten slow bars or, more seldom, three quick ones."""
    move = np.array([0.0, *[0.8] * 10, *[4.0] * 3])
    transition = np.zeros((14, 14))
    transition[0, [0, 1, 11]] = 0.88, 0.08, 0.04
    transition[np.arange(1, 13), np.arange(2, 14)] = 1.0
    transition[10], transition[13] = 0.0, 0.0
    transition[[10, 13], 0] = 1.0
    return ChainMarket(transition, move, 0.997)


def test_there_is_no_price_where_there_is_room_for_all():
    assert ExposureMarket(offers(), 3, 3.0).price(terms(), ONCE) == 0.0


@pytest.mark.slow
def test_scarce_room_has_a_price_and_the_same_every_time():
    scarce = ExposureMarket(offers(), 4, 1.0)
    price = scarce.price(terms(), ONCE)
    assert 0.0 < price < 4.0
    assert scarce.price(terms(), ONCE) == price


def test_a_price_is_paid_for_every_bar_held():
    priced = terms().priced(0.5)
    np.testing.assert_array_equal(priced.carry, [[0.0, 0.5, 0.5]])
    assert not priced.same_as(terms())
    market = offers()
    free, paid = (market.forever(each, ONCE)[0] for each in (terms(), priced))
    assert (paid <= free + 1e-9).all()
    assert paid[1, 1] < free[1, 1] - 1.0
