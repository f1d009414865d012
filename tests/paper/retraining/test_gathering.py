"""The bars of a candidate: what the session heard, joined with what its model was trained on."""

from dataclasses import replace

import numpy as np
import pytest

from markets import MINUTE_NS, walk_bars
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.retraining.gathering import gather
from mlx_muzero.symbols.symbol import Symbol
from paper_sessions import CONFIG, WARM_BARS, market, play, settings

HEARD = market("USDJPY")
UNTIL = WARM_BARS + 9
"""Bars that are over by then."""


@pytest.fixture
def gathered(tmp_path):
    """Joins a session's bars with those of a store that has others and more."""
    played = play(tmp_path / "p", settings(("USDJPY",)), bars=[HEARD])

    def join(stored):
        with BarStore(tmp_path / "before.duckdb") as before:
            before.write(stored)
        pair = replace(CONFIG.market, symbol=Symbol("USDJPY"))
        until_ns, target = int(HEARD.open_time_ns[UNTIL]), tmp_path / "joined.duckdb"
        with PaperStore(played.folder.store_path, read_only=True) as heard:
            gather(heard, tmp_path / "before.duckdb", pair, until_ns, target, lambda _text: None)
        with BarStore(target, read_only=True) as joined:
            return joined.load("USDJPY")

    return join


def shifted(bars, minutes):
    """Other bars, as a store has them that begins so many minutes earlier."""
    other = walk_bars(len(bars) + minutes, 7, "USDJPY")
    return replace(other, open_time_ns=other.open_time_ns - minutes * MINUTE_NS)


def test_what_the_session_heard_counts_and_the_rest_is_of_the_store(gathered):
    stored = shifted(HEARD, 300)
    joined = gathered(stored)
    assert len(joined) == 300 + UNTIL
    np.testing.assert_array_equal(joined.close[:300], stored.close[:300])
    np.testing.assert_array_equal(joined.close[300:], HEARD.close[:UNTIL])


def test_nothing_later_than_the_last_minute_is_known(gathered):
    joined = gathered(shifted(HEARD, 300))
    assert joined.open_time_ns[-1] + MINUTE_NS == HEARD.open_time_ns[UNTIL]


def test_a_minute_that_neither_has_stays_missing(gathered):
    early = shifted(HEARD, 300).slice(0, 200)
    joined = gathered(early)
    assert len(joined) == 200 + UNTIL
    assert int(np.diff(joined.open_time_ns).max()) == 101 * MINUTE_NS
