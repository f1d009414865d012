"""Costs are told beside the price they are paid on; what no market charges is called that."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_muzero.evaluation.comparison import conditions_of
from mlx_muzero.presets import CRYPTO, FX_MICRO
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.trading.cost_size import cost_note, round_trip_bps
from mlx_muzero.trading.costs import Costs


@pytest.mark.parametrize(
    ("costs", "price", "pip_size", "bps"),
    [
        (Costs(4.0), 110.0, 0.01, 3.636),
        (Costs(4.0), 2000.0, 0.0001, 0.002),  # an ounce of gold at a currency's pip
        (Costs(4.0), 60_000.0, 0.01, 0.00667),
        (Costs(0.0, 6.0), 0.00001, 0.0, 12.0),
        (Costs(4.0), 1.1, 0.01, 363.6),
    ],
)
def test_the_size_in_basis_points(costs, price, pip_size, bps):
    assert round_trip_bps(costs, price, pip_size) == pytest.approx(bps, rel=1e-3)


@given(
    pips=st.floats(0.0, 50.0),
    bps=st.floats(0.0, 50.0),
    price=st.floats(1e-3, 1e5),
    pip_size=st.sampled_from([0.0, 1e-4, 0.01, 1.0]),
)
def test_it_is_what_the_core_charges(pips, bps, price, pip_size):
    costs = Costs(pips, bps)
    one, flat, at = np.ones(1), np.zeros(1), np.full(1, price)
    paid = costs.fill_pips(flat, one, at, pip_size)[1] + costs.fill_pips(one, flat, at, pip_size)[0]
    pip = pip_size or price * 1e-4
    assert round_trip_bps(costs, price, pip_size) == pytest.approx(paid[0] * pip / price * 1e4)


def test_what_is_absurd_is_called_so():
    assert cost_note(Costs(4.0), 110.0, 0.01) == (
        "a round trip costs 4 pips of 0.01, 3.64 bps of the price 110"
    )
    assert cost_note(Costs(0.0, 6.0), 60_000.0, 0.0) == "a round trip costs 12 bps"
    assert "next to nothing, below 0.01 bps. Check" in cost_note(Costs(4.0), 60_000.0, 0.01)
    assert "next to nothing" in cost_note(Costs(0.0), 110.0, 0.01)
    assert "more than 100 bps. Check" in cost_note(Costs(4.0), 1.1, 0.01)


def test_a_report_says_it_too(small_config, small_dataset):
    rules = TradingRules.from_config(small_config)
    starts = small_dataset.evaluation_starts("test", 3)
    told = conditions_of(small_dataset, rules, "test", starts).costs
    assert told.startswith("round trip 4 pips, 3.")
    assert told.endswith("bps of the price")
    dear = dataclasses.replace(rules, costs=Costs(400.0))
    assert "more than 100 bps" in conditions_of(small_dataset, dear, "test", starts).costs


def test_the_presets_costs_are_those_of_a_market():
    assert "Check" not in cost_note(Costs.from_config(FX_MICRO.trading), 110.0, 0.01)
    assert "Check" not in cost_note(Costs.from_config(CRYPTO.trading), 110.0, 0.0)
