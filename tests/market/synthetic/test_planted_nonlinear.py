"""The nonlinear market: uncorrelated changes, exact reading, the best policy."""

import dataclasses
import functools

import numpy as np
import pytest

from mlx_muzero.market.synthetic.markets import planted_nonlinear
from mlx_muzero.market.synthetic.nonlinear_optimum import greedy_pips, solve
from mlx_muzero.market.synthetic.optima import from_truth
from mlx_muzero.market.synthetic.planted_nonlinear import (
    LAST_AGE,
    PlantedNonlinear,
    draw_changes,
    read_signed_ages,
)

MARKET = PlantedNonlinear()
COST, BARS = 4.0, 360
NO_LIMIT = np.zeros(1, np.int32)
OTHERS = [MARKET, PlantedNonlinear(drift_pips=1.2, decay=0.92, kick_probability=0.02)]


@pytest.fixture(scope="module")
def drawn():
    """Changes and closes of many bars."""
    change, _ = draw_changes(MARKET, 1_000_000, np.random.default_rng(3))
    return change, 150.0 + np.cumsum(change) * MARKET.pip_size


@pytest.fixture(scope="module")
def optimum():
    return solve(MARKET, COST, BARS)


@pytest.mark.parametrize("market", OTHERS, ids=["default", "other"])
def test_kicks_and_drift_cancel_in_every_covariance(market):
    """Summed over the ages and regimes of the definition, without a draw."""
    age = np.arange(1, 2000)
    drift = market.drift_pips * market.decay ** (age - 1.0)
    alive = (1.0 - market.kick_probability) ** (age - 1.0)
    along = (1.0 - 2.0 * market.stormy_share) * market.kick_pips
    for lag in (1, 2, 7, 40):
        within = (drift[:-lag] * drift[lag:] * alive[lag:]).sum()
        assert along * drift[lag - 1] * alive[lag - 1] == pytest.approx(-within, rel=1e-9)


def test_drawn_changes_are_uncorrelated_but_not_independent(drawn):
    change, _ = drawn
    scaled = change / change.std()
    lags = [1, 2, 3, 5, 10, 20]
    correlation = [np.mean(scaled[lag:] * scaled[:-lag]) for lag in lags]
    # Kicks have heavy tails, so products spread more than those of a Gaussian.
    error = [np.std(scaled[lag:] * scaled[:-lag]) / np.sqrt(len(scaled)) for lag in lags]
    assert (np.abs(correlation) < 3.5 * np.array(error)).all()
    kicked = np.flatnonzero(np.abs(change) > MARKET.kick_pips / 2)[:-1]
    calm = np.abs(np.abs(change[kicked]) - MARKET.kick_pips) < MARKET.calm_below_pips / 2
    calm &= np.abs(change[kicked - 1]) < MARKET.calm_below_pips
    followed = np.sign(change[kicked]) * change[kicked + 1]
    assert followed[calm].mean() > 1.0


def test_closes_reveal_the_drift_exactly(drawn):
    change, close = drawn
    ahead = read_signed_ages(close, MARKET)
    assert np.abs(ahead).min() == 1
    assert np.abs(ahead).max() == LAST_AGE
    drift = np.sign(ahead[:-1]) * MARKET.drift(np.abs(ahead[:-1]))
    noise = change[1:] - drift
    kicks = np.abs(change[1:]) > MARKET.kick_pips / 2
    noise[kicks] -= np.copysign(MARKET.kick_pips, change[1:][kicks])
    size = np.abs(noise)
    calm, stormy = size < MARKET.calm_below_pips, size >= MARKET.stormy_from_pips
    # Where the drift were wrong by a sign or an age, noise would leave its bands.
    assert (calm | stormy)[np.abs(size - MARKET.stormy_from_pips) > 1e-9].all()
    assert size.max() < MARKET.stormy_below_pips + 1e-9
    assert stormy.mean() == pytest.approx(MARKET.stormy_share, abs=0.02)


def test_what_is_read_does_not_depend_on_later_closes(drawn):
    close = drawn[1][:2000].copy()
    known = read_signed_ages(close, MARKET)[:1001]
    close[1001:] += 7.0
    np.testing.assert_array_equal(read_signed_ages(close, MARKET)[:1001], known)


def play(optimum, drawn, shift=0, always_with_the_kick=False):
    """Net pips of many sessions; `shift` reads the last kick as older than it is."""
    change, close = drawn
    ahead = optimum.read(close, np.zeros(0))
    if always_with_the_kick:
        kicks = np.append(0.0, np.where(np.abs(change[1:]) > MARKET.kick_pips / 2, change[1:], 0.0))
        last = np.maximum.accumulate(np.where(kicks != 0.0, np.arange(len(kicks)), 0))
        ahead = np.abs(ahead) * np.where(kicks[last] < 0.0, -1.0, 1.0)
    ahead = np.sign(ahead) * np.clip(np.abs(ahead) + shift, 1, LAST_AGE)
    starts = np.arange(LAST_AGE, len(close) - BARS - 1, BARS)
    exposure, net = np.zeros(len(starts)), np.zeros(len(starts))
    for step in range(BARS):
        at = starts + step
        wanted = optimum.wanted_exposure(ahead[at], exposure, BARS - step, starts, NO_LIMIT)
        after = np.where(exposure == 0.0, wanted, np.where(wanted == exposure, exposure, 0.0))
        net += after * change[at + 1] - COST * ((exposure == 0.0) & (after != 0.0))
        exposure = after
    return net


def test_monte_carlo_agrees_with_the_expectation(optimum, drawn):
    net = play(optimum, drawn)
    standard_error = np.std(net) / np.sqrt(len(net))
    assert abs(net.mean() - optimum.expected_pips) < 3 * standard_error
    assert standard_error < 2.0
    assert optimum.expected_pips > 80


def test_other_policies_earn_less(optimum, drawn):
    best = play(optimum, drawn).mean()
    assert play(optimum, drawn, shift=-30).mean() < best - 1.0
    assert play(optimum, drawn, always_with_the_kick=True).mean() < 0.25 * best


def test_thresholds_make_sense(optimum):
    # With one bar left no drift of a single bar pays the round trip.
    assert not optimum.enter[1].any()
    middle = optimum.enter[200]
    assert middle[0]
    assert not middle[-1]
    assert (np.diff(middle.astype(int)) <= 0).all()
    # Leaving is free, so a position along any drift at all stays.
    assert optimum.stay_along[1:, :-1].all()
    assert not optimum.stay_against[200, 0]


def test_the_expectation_is_that_of_trying_everything():
    """Over sides and positions as they are, not relative to each other."""
    survival, steps = 1.0 - MARKET.kick_probability, 8
    drifts = MARKET.drift(np.arange(1, LAST_AGE + 1)).tolist()

    @functools.cache
    def worth(bars_left, age, side, exposure):
        if not bars_left:
            return 0.0
        choices = (-1, 0, 1) if exposure == 0 else (exposure, 0)
        tried = []
        for wanted in choices:
            later = survival * worth(bars_left - 1, min(age + 1, LAST_AGE), side, wanted)
            for kicked in (-1, 1):
                later += (1.0 - survival) / 2.0 * worth(bars_left - 1, 1, kicked, wanted)
            paid = COST if exposure == 0 and wanted != 0 else 0.0
            tried.append(wanted * side * drifts[age - 1] - paid + later)
        return max(tried)

    expected = survival ** (LAST_AGE - 1) * worth(steps, LAST_AGE, 1, 0)
    for age in range(1, LAST_AGE):
        expected += MARKET.kick_probability * survival ** (age - 1) * worth(steps, age, 1, 0)
    assert expected > 0.1
    assert solve(MARKET, COST, steps).expected_pips == pytest.approx(expected, rel=1e-12)


def test_costs_and_sessions_bound_what_is_earned():
    assert solve(MARKET, 1e6, 5).expected_pips == 0.0
    free = solve(MARKET, 0.0, 1)
    ages = np.arange(1, LAST_AGE + 1)
    chance = MARKET.kick_probability * (1.0 - MARKET.kick_probability) ** (ages - 1.0)
    assert free.expected_pips == pytest.approx((chance * MARKET.drift(ages)).sum(), abs=1e-9)


@pytest.mark.parametrize("cost", [1.0, 2.0, 4.0, 8.0])
def test_the_greedy_rule_earns_almost_as_much(cost):
    best = solve(MARKET, cost, BARS).expected_pips
    assert 0.95 * best < greedy_pips(MARKET, cost, BARS) < best


def test_the_greedy_rule_enters_however_little_time_is_left():
    ages = np.arange(1, LAST_AGE + 1)
    chance = MARKET.kick_probability * (1.0 - MARKET.kick_probability) ** (ages - 1.0)
    drift = MARKET.drift(ages)
    to_come = drift / (1.0 - MARKET.decay * (1.0 - MARKET.kick_probability))
    expected = (chance * (drift - COST))[to_come > COST].sum()
    assert expected < 0.0
    assert greedy_pips(MARKET, COST, 1) == pytest.approx(expected)


def test_optimum_from_truth():
    _, truth = planted_nonlinear(1, 1, session_bars=30)
    optimum = from_truth(truth)
    assert optimum.pip_size == MARKET.pip_size
    assert optimum == solve(MARKET, COST, 30)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"stormy_share": 0.5}, "stormy_share"),
        ({"decay": 1.0}, "decay"),
        ({"stormy_from_pips": 0.5}, "stormy noise"),
        ({"drift_pips": 0.0}, "positive"),
        ({"stormy_share": 0.95}, "lower the noise"),
    ],
)
def test_impossible_parameters_are_refused(wrong, words):
    with pytest.raises(ValueError, match=words):
        dataclasses.replace(MARKET, **wrong)
