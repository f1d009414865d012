"""Costs are told beside the price they are paid on; what no market charges is called that."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_muzero.config.presets import CRYPTO, FX_MICRO
from mlx_muzero.evaluation.comparison import conditions_of
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.trading.cost_size import cost_note, price_step, round_trip_bps, step_note
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


@given(
    count=st.integers(50, 400),
    step=st.sampled_from([1e-8, 1e-5, 5e-5, 0.001, 0.01, 0.25, 0.5, 1.0, 10.0]),
    low=st.integers(100, 900_000),
    seed=st.integers(0, 99),
)
def test_the_step_of_a_price_is_read_off_its_closes(count, step, low, seed):
    ticks = low + np.random.default_rng(seed).permutation(count)
    close = np.array([float(f"{tick * step:.10g}") for tick in ticks])
    assert price_step(close) == pytest.approx(step)


def test_a_price_without_a_step_has_none():
    assert price_step(np.random.default_rng(1).uniform(1.0, 2.0, 500)) is None
    assert price_step(np.full(500, 60_000.0)) is None


def test_a_step_that_is_larger_than_the_cost_is_told():
    close = np.round(2.783e-5 + 1e-8 * (np.arange(200) % 40), 8)
    note = step_note("ADABTC", close, Costs(0.0, 1.0), 0.0)
    assert note is not None
    assert note.startswith("ADABTC: one step of its price, 1e-08, is 3.5")
    assert "but a round trip costs 2 bps" in note
    assert step_note("ADABTC", close, Costs(0.0, 6.0), 0.0) is None
    # One price tells no step; the table knows a currency pair's.
    assert "its price, 0.001, is 0.09" in str(step_note("USDJPY", yen(1), Costs(0.05), 0.01))
    assert step_note("ADABTC", close[:1], Costs(0.0, 1.0), 0.0) is None
    assert step_note("AUDJPY", yen(500), Costs(4.0), 0.01) is None
    assert "0.01, is 0.9" in str(step_note("AUDJPY", yen(500), Costs(0.5), 0.01))


def yen(count):
    return np.round(105.0 + 0.01 * (np.arange(count) % 300), 2)


def test_a_report_tells_of_wide_steps(small_config, small_dataset):
    rules = TradingRules.from_config(small_config)
    starts = small_dataset.evaluation_starts("test", 3)
    free = dataclasses.replace(rules, costs=Costs(0.01))
    assert conditions_of(small_dataset, rules, "test", starts).wide_steps == ()
    (note,) = conditions_of(small_dataset, free, "test", starts).wide_steps
    assert note.startswith("TEST: one step of its price, 0.001,")
