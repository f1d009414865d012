"""The evidence behind a verdict in words: what needs a number and what does not."""

import numpy as np

from mlx_muzero.evaluation.luck.verdict import judge
from muzero_cli.display.luck import evidence, verdict_line


def of(mean, **options):
    returns = np.random.default_rng(0).standard_normal(142) + mean
    return judge(returns, trades=9, **options)


def test_an_edge_that_is_shown():
    lines = evidence(of(0.7, entries=0.0001), 32.0)
    assert "nothing else was tried; enough to show it" in lines[1]
    assert lines[2].endswith("p < 0.001") or "p = 0.001" in lines[2]
    assert lines[3] == "  random entries of the same exposure: p < 0.001"


def test_one_that_takes_more_time_and_one_that_no_time_would_show():
    few = of(0.25, tried=500)
    assert f"{few.more_needed:,} more days would show it" in evidence(few, 16.0, "day")[1]
    assert "the best of 500 independent trials without skill would reach" in evidence(few, 1.0)[1]
    assert "no number of sessions would show it" in evidence(of(-0.5), 32.0)[1]
    assert len(evidence(of(0.0), 32.0)) == 3


def test_few_results_show_nothing():
    week = judge(np.arange(1.0, 6.0), trades=9, observation="day")
    assert evidence(week, 16.0, "day")[1].endswith("fewer than 20 days show nothing")
    first = judge(np.ones(1), trades=9, observation="day")
    assert evidence(first, 16.0, "day") == ["  a single day tells nothing"]


def test_bars_that_made_the_run_have_none():
    assert "trained or chosen on these bars" in verdict_line(None).plain
