"""What is stored with a planted market is enough to play its best policy."""

import pytest

from mlx_muzero.errors import DataError
from mlx_muzero.market.synthetic.markets import make_market, random_walk
from mlx_muzero.market.synthetic.optima import PLANTED, from_truth


@pytest.mark.parametrize("kind", PLANTED)
def test_every_planted_market_has_a_best_policy_for_its_rules(kind):
    (bars, *_), truth = make_market(kind, 1, 1, round_trip_cost_pips=3.0, session_bars=5)
    optimum = from_truth(truth)
    assert (optimum.session_bars, optimum.entry_pips[-1]) == (5, 3.0)
    assert optimum.pip_size == truth["parameters"]["pip_size"]
    assert len(optimum.read(bars.close, bars.open_time_ns)) == len(bars)


def test_nothing_is_to_be_earned_on_a_random_walk():
    with pytest.raises(DataError, match=r"planted_edge, .*, planted_pairs"):
        from_truth(random_walk(1, 1)[1])
