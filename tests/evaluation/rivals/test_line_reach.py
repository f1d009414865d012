"""What a line earns on synthetic markets, next to what can be earned."""

import json

import pytest

from mlx_muzero.evaluation.rivals.line_reach import line_reach
from mlx_muzero.evaluation.synthetic_rules import dataset_of, rules_of
from mlx_muzero.experiment.synthetic_market import store_market
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.market.synthetic.markets import make_market

SESSION_BARS = 60


def reach_and_optimum(kind, days=8):
    (bars, truth), (other, _) = (
        make_market(kind, seed, days, session_bars=SESSION_BARS) for seed in (1, 2)
    )
    rules = rules_of(truth)
    reach = line_reach(dataset_of(bars, truth), dataset_of(other, truth), rules)
    return reach, truth["expected_pips_per_session"]


def test_a_line_suffices_on_the_planted_edge():
    reach, optimum = reach_and_optimum("planted_edge")
    assert reach.low <= reach.net_pips <= reach.high
    assert 0.7 * optimum < reach.net_pips < 1.1 * optimum
    # All three splits are played.
    assert reach.sessions > 100


def test_a_line_earns_at_most_a_quarter_on_the_nonlinear_market():
    reach, optimum = reach_and_optimum("planted_nonlinear")
    assert optimum > 10
    assert reach.net_pips < 0.25 * optimum


def test_what_is_stored_tells_what_the_line_earns(tmp_path):
    path = tmp_path / "made.duckdb"
    (bars,), truth = store_market(path, "random_walk", "WALK", 6, 3, 2.0, SESSION_BARS)
    with BarStore(path, read_only=True) as store:
        assert store.truth("WALK") == json.loads(json.dumps(truth)) == truth
        assert store.load("WALK").close.tolist() == bars.close.tolist()
    assert truth["line_pips_per_session"] < 1.0
    assert truth["line_sessions"] > 50


def test_a_market_too_short_for_a_line_says_that_nothing_is_known(tmp_path):
    _, truth = store_market(tmp_path / "made.duckdb", "random_walk", None, 1, 3, 2.0)
    assert truth["line_pips_per_session"] is None


def test_the_rules_are_those_that_the_truth_assumes():
    (bars,), truth = make_market("random_walk", 1, 2, round_trip_cost_pips=1.5, session_bars=40)
    rules, dataset = rules_of(truth), dataset_of(bars, truth)
    assert (rules.costs.round_trip_pips, rules.pip_size) == (1.5, 0.01)
    assert dataset.config.session_bars == 40
    assert rules.fill == "close"
    assert pytest.approx(bars.close) == dataset.close
