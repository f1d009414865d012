"""Windows of one page keep their own decisions."""

import numpy as np

from mlx_muzero.evaluation.page.joining import joined
from pages import sample_page


def test_decisions_follow_their_trades():
    one, two = sample_page(trades=7, trees=2), sample_page(trades=5, trees=1)
    trades, decisions = joined([(page.trades, page.decisions) for page in (one, two)])
    assert len(trades) == 12
    assert trades.entry_decision.tolist() == list(range(12))
    left = np.concatenate([one.trades.exit_decision, two.trades.exit_decision])
    np.testing.assert_array_equal(trades.exit_decision == -1, left == -1)
    assert list(decisions.trees) == [0, 1, 7]
    assert len(decisions.commands) == 2
    assert decisions.command.tolist() == [0] * 7 + [1] * 5
    np.testing.assert_array_equal(decisions.value[7:], two.decisions.value)


def test_a_window_without_trades_adds_nothing():
    page = sample_page(trades=3)
    nothing = sample_page(trades=0, trees=0)
    trades, decisions = joined([(nothing.trades, None), (page.trades, page.decisions)])
    assert trades.entry_decision.tolist() == [0, 1, 2]
    assert list(decisions.trees) == list(page.decisions.trees)
    assert joined([(nothing.trades, None)])[1] is None
