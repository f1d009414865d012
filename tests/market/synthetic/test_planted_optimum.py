"""The planted edge's filter and best policy: convergence, Monte Carlo, and no better policy."""

import functools

import numpy as np
import pytest

from mlx_muzero.market.synthetic.edge_markets import planted_edge
from mlx_muzero.market.synthetic.optima import from_truth
from mlx_muzero.market.synthetic.planted_edge import PlantedEdge, filter_beliefs, next_belief
from mlx_muzero.market.synthetic.planted_optimum import solve
from mlx_muzero.market.synthetic.synthetic_bars import DAY_MINUTES, day_profile

EDGE = PlantedEdge()
COST, BARS = 4.0, 360
NO_LIMIT = np.zeros(1, np.int32)
OPEN = np.array([22 * 60])
"""A week of winter."""


@pytest.fixture(scope="module")
def optimum():
    return solve(EDGE, COST, BARS, raster_minutes=20, grid_points=201)


@pytest.fixture(scope="module")
def world(optimum):
    """Regimes, surprises, changes and beliefs of many sessions, drawn without the library."""
    rng = np.random.default_rng(11)
    sessions, burn_in = 4000, 150
    start = rng.integers(0, DAY_MINUTES // 20, sessions) * 20
    bars = burn_in + BARS
    switched = np.cumsum(rng.random((sessions, bars)) < EDGE.switch_probability, axis=1)
    regime = rng.choice([-1, 1], (sessions, 1)) * (1 - 2 * (switched % 2))
    surprise = EDGE.kappa * regime + rng.standard_normal((sessions, bars))
    minute = (start[:, None] - burn_in + 1 + np.arange(bars)) % DAY_MINUTES
    change = EDGE.mean_sigma_pips * day_profile()[minute] * surprise
    belief = np.zeros((sessions, bars + 1))
    for t in range(bars):
        belief[:, t + 1] = next_belief(EDGE, belief[:, t], surprise[:, t])
    path = np.concatenate([np.zeros((sessions, 1)), np.cumsum(change, axis=1)], axis=1)
    return start, belief[:, burn_in:], change[:, burn_in:], path, burn_in


def play(world, wanted_exposure):
    """Net pips of each session; a reversal closes first and enters a bar later."""
    start, _, change, _, _ = world
    exposure, net = np.zeros(len(start)), np.zeros(len(start))
    for step in range(BARS):
        wanted = wanted_exposure(step, exposure)
        after = np.where(exposure == 0, wanted, np.where(wanted == exposure, exposure, 0.0))
        net += after * change[:, step] - COST * ((exposure == 0) & (after != 0))
        exposure = after
    return net


def test_monte_carlo_agrees_with_the_expectation(optimum, world):
    start, belief, *_ = world
    net = play(
        world,
        lambda step, held: optimum.wanted_exposure(
            belief[:, step], held, BARS - step, start, NO_LIMIT
        ),
    )
    expected = optimum.expected_pips[start // 20]
    standard_error = np.std(net - expected) / np.sqrt(len(net))
    assert abs(np.mean(net - expected)) < 3 * standard_error
    assert standard_error < 1.5


def test_other_thresholds_and_momentum_earn_less(optimum, world):
    start, belief, _, path, burn_in = world
    best = optimum.expected_pips[start // 20].mean()

    def shifted(by):
        def wanted(step, held):
            shrunk = np.sign(belief[:, step]) * np.clip(np.abs(belief[:, step]) + by, 0, 1)
            return optimum.wanted_exposure(shrunk, held, BARS - step, start, NO_LIMIT)

        return wanted

    def momentum(lookback):
        def wanted(step, held):
            now = burn_in + step
            return np.sign(path[:, now] - path[:, now - lookback])

        return wanted

    for by in (-0.15, 0.15):
        assert play(world, shifted(by)).mean() < best
    earned = [play(world, momentum(lookback)).mean() for lookback in (5, 15, 30, 60)]
    assert best > 80
    assert max(earned) < 0.67 * best


@pytest.mark.slow
def test_the_expectation_converges_in_both_grids():
    @functools.cache
    def worth(grid_points, quadrature_points=32):
        return solve(EDGE, COST, 120, 60, grid_points, quadrature_points).mean_expected_pips(OPEN)

    fine = worth(601)
    errors = [abs(worth(points) - fine) for points in (76 * 2 - 1, 301)]
    assert errors[1] < 0.02
    assert errors[1] < errors[0] / 2.5
    assert abs(worth(301, 64) - worth(301)) < 0.01


def test_thresholds_make_sense(optimum):
    # With one bar left no drift of a single bar pays the round trip.
    assert (optimum.enter[1] == 2).all()
    middle = optimum.enter[200]
    assert ((middle > 0) & (middle < 1)).all()
    assert (optimum.leave[1:] < optimum.enter[1:]).all()
    assert (optimum.expected_pips > 0).all()
    assert optimum.expected_pips_by_hour().argmax() in (10, 11, 12)


def test_free_trading_follows_the_sign_of_the_belief():
    free = solve(EDGE, 0.0, 5, raster_minutes=60, grid_points=101)
    np.testing.assert_allclose(free.enter[1], 0.0, atol=1e-9)
    expensive = solve(EDGE, 1e6, 5, raster_minutes=60, grid_points=101)
    np.testing.assert_allclose(expensive.expected_pips, 0.0)


def test_filter_on_bars_is_the_forward_algorithm():
    bars, _ = planted_edge(7, 1, session_bars=1)
    beliefs = filter_beliefs(bars.close, bars.open_time_ns, EDGE)
    surprise = np.diff(bars.close) / EDGE.pip_size
    minute = bars.open_time_ns[1:] // 60_000_000_000 % DAY_MINUTES
    surprise /= EDGE.mean_sigma_pips * day_profile()[minute]
    chance = np.array([0.5, 0.5])
    q = EDGE.switch_probability
    switch = np.array([[1 - q, q], [q, 1 - q]])
    for t in range(300):
        assert beliefs[t] == pytest.approx(chance[0] - chance[1], abs=1e-9)
        likelihood = np.exp(-0.5 * (surprise[t] - EDGE.kappa * np.array([1, -1])) ** 2)
        chance = switch @ (chance * likelihood / (chance * likelihood).sum())


def test_beliefs_are_calibrated():
    bars, _ = planted_edge(8, 60, session_bars=1)
    beliefs = filter_beliefs(bars.close, bars.open_time_ns, EDGE)[:-1]
    minute = bars.open_time_ns[1:] // 60_000_000_000 % DAY_MINUTES
    sigma = EDGE.mean_sigma_pips * day_profile()[minute]
    surprise = np.diff(bars.close) / EDGE.pip_size / sigma
    slope = (surprise * beliefs).mean() / (beliefs**2).mean()
    assert slope == pytest.approx(EDGE.kappa, rel=0.05)


def test_optimum_from_truth():
    _, truth = planted_edge(1, 1, session_bars=30)
    assert from_truth(truth).mean_expected_pips(OPEN) == truth["expected_pips_per_session"]
    with pytest.raises(ValueError, match="odd"):
        solve(EDGE, COST, BARS, grid_points=100)
    with pytest.raises(ValueError, match="switch_probability"):
        PlantedEdge(switch_probability=0.6)
