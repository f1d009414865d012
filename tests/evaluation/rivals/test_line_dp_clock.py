"""The line's plan where costs follow a clock."""

from dataclasses import replace

import numpy as np

from mlx_muzero.evaluation.rivals.line_dp import plan
from mlx_muzero.trading.costs import Costs
from mlx_muzero.trading.rules import TradingRules

STEPS = 12
RULES = TradingRules(costs=Costs(6.0, clock_minutes=3, clock_pips=1.0))
EXPECTED = np.array([0.8])
"""A market that always rises by that much a bar."""


def test_it_waits_for_the_cheap_minute_where_that_pays():
    actions = plan(np.ones((1, 1)), EXPECTED, 150.0, RULES, STEPS).actions
    from_flat = actions[:, :, 0, 0]
    assert from_flat.shape == (3, STEPS)
    # Two bars of 0.8 are less than the 5 pips that waiting saves.
    assert (from_flat[0, :10] == 1).all()
    assert (from_flat[1:, :9] == 0).all()
    # A bar before the end, not even a cheap entry earns its cost.
    assert (from_flat[:, -1] == 0).all()


def test_a_steady_cost_has_one_phase():
    steady = replace(RULES, costs=Costs(6.0))
    actions = plan(np.ones((1, 1)), EXPECTED, 150.0, steady, STEPS).actions
    assert actions.shape == (1, STEPS, 1, 3)
    assert (actions[0, :4, 0, 0] == 1).all()
    assert (actions[0, -7:, 0, 0] == 0).all()
