"""Pairs under one limit: exact reading, the best joint policy, and what planning alone loses."""

from functools import cache
from itertools import product

import numpy as np
import pytest

from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.baselines import BestPolicy
from mlx_muzero.evaluation.comparison import plays_by
from mlx_muzero.evaluation.synthetic_rules import dataset_of, rules_of
from mlx_muzero.experiment.synthetic_market import store_market
from mlx_muzero.market.sessions import SPLITS
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.market.synthetic.markets import planted_pairs
from mlx_muzero.market.synthetic.optima import from_truth
from mlx_muzero.market.synthetic.pairs_optimum import as_if_alone_pips, greedy_pips, solve
from mlx_muzero.market.synthetic.planted_pairs import (
    PlantedPairs,
    draw_changes,
    read_signed_states,
)
from mlx_muzero.trading.rules import ExposureLimit

MARKET = PlantedPairs()
SMALL = PlantedPairs(
    pairs=2,
    strong_probability=0.15,
    weak_probability=0.2,
    strong_bars=1,
    weak_bars=2,
    weak_drift_pips=2.0,
)
BARS = 60


def test_closes_reveal_the_drift_exactly():
    change = draw_changes(MARKET, 200_000, np.random.default_rng(3))
    ahead = read_signed_states(150.0 + np.cumsum(change) * MARKET.pip_size, MARKET)
    drift = np.sign(ahead[:-1]) * MARKET.drift[np.abs(ahead[:-1])]
    noise = change[1:] - drift
    size = np.rint(np.abs(noise) / MARKET.weak_kick_pips)
    noise -= np.sign(noise) * size * MARKET.weak_kick_pips
    # Where the drift were wrong by a sign or an age, noise would leave its band.
    assert np.abs(noise).max() < MARKET.noise_below_pips + 1e-6
    assert np.mean(size == 2) == pytest.approx(MARKET.strong_probability, abs=0.002)
    assert np.mean(size == 1) == pytest.approx(MARKET.weak_probability, abs=0.002)


def test_what_is_read_does_not_depend_on_later_closes():
    change = draw_changes(MARKET, 2000, np.random.default_rng(3))
    close = 150.0 + np.cumsum(change) * MARKET.pip_size
    known = read_signed_states(close, MARKET)[:1001]
    close[1001:] += 7.0
    np.testing.assert_array_equal(read_signed_states(close, MARKET)[:1001], known)


@pytest.mark.slow
def test_backward_induction_agrees_with_trying_every_plan():
    """Four steps of two pairs, by recursion over what both accounts can do together."""
    cost, steps = 1.5, 4
    optimum = solve(SMALL, cost, steps)

    def after(state):
        """Chances of what a state and the side of its drift become; True: turned."""
        for first, chance in zip(SMALL.first_states, SMALL.kick_probabilities, strict=True):
            yield first, 0.5, chance / 2
            yield first, -0.5, chance / 2
        yield int(SMALL.older[state]), 0.0, 1.0 - sum(SMALL.kick_probabilities)

    @cache
    def worth(pairs, exposures, left):
        """By states, sides of drift and exposures, which count toward up."""
        if left == 0:
            return 0.0
        options = [(0, 1, -1) if held == 0 else (held, 0) for held in exposures]
        held_best = -np.inf
        for wanted in product(*options):
            if sum(map(abs, wanted)) > 1:
                continue
            paid = cost * sum(
                held == 0 and want != 0 for held, want in zip(exposures, wanted, strict=True)
            )
            moved = sum(
                want * side * SMALL.drift[state]
                for want, (state, side) in zip(wanted, pairs, strict=True)
            )
            later = 0.0
            for ways in product(*(list(after(state)) for state, _ in pairs)):
                chance = np.prod([way[2] for way in ways])
                becomes = tuple(
                    (state, int(np.sign(turn)) if turn else side)
                    for (state, turn, _), (_, side) in zip(ways, pairs, strict=True)
                )
                later += chance * worth(becomes, wanted, left - 1)
            held_best = max(held_best, moved - paid + later)
        return held_best

    states = len(SMALL.drift)
    every = np.zeros((states, states))
    for state in range(states):
        for becomes, _, chance in after(state):
            every[state, becomes] += chance
    usual = np.linalg.matrix_power(every, 200)[0]
    total = sum(
        usual[one] * usual[other] * worth(((one, 1), (other, 1)), (0, 0), steps)
        for one, other in product(range(states), repeat=2)
    )
    assert optimum.expected_pips == pytest.approx(total / 2, rel=1e-9)


@pytest.fixture(scope="module")
def market():
    return planted_pairs(5, 30, session_bars=BARS)


@pytest.mark.slow
def test_the_best_policy_earns_on_bars_what_is_expected_and_keeps_the_limit(market):
    bars, truth = market
    dataset, rules = dataset_of(bars, truth), rules_of(truth)
    assert rules.exposure_limit == ExposureLimit(1.0, 4)
    assert plays_by(truth, dataset, rules)
    starts = np.concatenate([dataset.evaluation_starts(split) for split in SPLITS])
    found = backtest(BestPolicy(from_truth(truth)), dataset, rules, starts)
    net = found.metrics.net_pips_per_session
    spread = (found.metrics.net_pips_high - found.metrics.net_pips_low) / 3.92
    assert abs(net - truth["expected_pips_per_session"]) < 3 * spread
    assert spread < 0.3
    held = np.zeros((len(starts) // 4, BARS))
    trades = found.trades
    for account, entry, left in zip(trades.account, trades.entry_bar, trades.exit_bar, strict=True):
        first = entry - starts[account]
        held[account // 4, first : first + left - entry] += 1.0
    assert held.max() == 1.0


@pytest.mark.slow
def test_policies_without_a_plan_for_all_pairs_earn_less(market):
    truth = market[1]
    best = truth["expected_pips_per_session"]
    assert 0.85 * best < truth["greedy_pips_per_session"] < 0.96 * best
    assert 0.80 * best < truth["as_if_alone_pips_per_session"] < 0.93 * best
    assert greedy_pips(SMALL, 1.5, 4) < solve(SMALL, 1.5, 4).expected_pips
    assert as_if_alone_pips(SMALL, 1.5, 4) < solve(SMALL, 1.5, 4).expected_pips


@pytest.mark.slow
def test_every_pair_is_stored_with_the_truth_of_all(tmp_path):
    bars, truth = store_market(tmp_path / "made.duckdb", "planted_pairs", "PP", 1, 3, None, 9)
    assert [own.symbol for own in bars] == ["PP_1", "PP_2", "PP_3", "PP_4"]
    with BarStore(tmp_path / "made.duckdb", read_only=True) as store:
        for own in bars:
            assert store.truth(own.symbol) == truth
            assert store.load(own.symbol).close.tolist() == own.close.tolist()


def test_kicks_that_could_be_taken_for_drift_are_refused():
    with pytest.raises(ValueError, match="could be taken"):
        PlantedPairs(weak_kick_pips=9.0)
    with pytest.raises(ValueError, match="limit of 1"):
        PlantedPairs(max_total_exposure=2.0)
