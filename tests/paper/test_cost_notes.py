"""What a pair costs is told once it has a price, and never as a number that is none."""

import math
from types import SimpleNamespace

import pytest

from mlx_muzero.paper.cost_notes import CostNotes
from mlx_muzero.paper.settings import FillSettings


def session_of(**pip_sizes):
    def trader(pip_size):
        rules = SimpleNamespace(pip_size=pip_size)
        return SimpleNamespace(account=SimpleNamespace(core=SimpleNamespace(rules=rules)))

    return SimpleNamespace(traders={pair: trader(pip) for pair, pip in pip_sizes.items()})


@pytest.mark.parametrize("unknown", [None, 0.0, math.nan])
def test_a_pair_that_has_no_price_yet_is_told_of_when_it_has(unknown):
    notes = CostNotes(session_of(USDJPY=0.01, EURUSD=0.0001), FillSettings())
    (note,) = notes.of_minute({"USDJPY": {"close": 150.0}, "EURUSD": {"close": unknown}})
    assert note.startswith("USDJPY: a round trip costs")
    (note,) = notes.of_minute({"USDJPY": {"close": 151.0}, "EURUSD": {"close": 1.1}})
    assert note.startswith("EURUSD: a round trip costs")
    assert "nan" not in note
    assert notes.of_minute({"USDJPY": {"close": 152.0}, "EURUSD": {"close": 1.2}}) == []
