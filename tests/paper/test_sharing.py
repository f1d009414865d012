"""Paper sessions share their limit as evaluations do: by worth, in any order, never exceeded."""

from dataclasses import replace

import numpy as np
import pytest

from mlx_muzero.config.presets import FX_FACTORED
from mlx_muzero.paper.beginning import rules_in_force
from mlx_muzero.paper.settings import risk_of
from mlx_muzero.trading.rules import ExposureLimit, TradingRules
from tests.helpers.paper_sessions import TABLE, WARM_BARS, DicePlanner, markets, play, settings

PAIRS = ("USDJPY", "EURJPY", "GBPJPY")
ENTER = [TABLE.action_names.index(name) for name in ("BUY", "SELL")]


class WorthPlanner(DicePlanner):
    """Wants to be in every market; by turns, each pair's window says what that is worth."""

    def plan(self, observation, position, seed, simulations, moment):
        result = super().plan(observation, position, seed, simulations, moment)
        legal = TABLE.legal[position]
        worth = 1.0 + np.cos(1e3 * observation[:, -1, :5].sum(axis=1))
        after = TABLE.next_position[position]
        q = np.where(legal & (after > 0), worth[:, None], 0.0).astype(np.float32)
        stays = np.where(position == 0, ENTER[0], TABLE.action_names.index("HOLD"))
        return replace(result, visits=legal.astype(np.int32), q=q, action=stays.astype(np.int32))


def played(path, pairs, *changes):
    paper = settings(pairs, *changes)
    bars = dict(zip(PAIRS, markets(PAIRS, WARM_BARS + 25), strict=True))
    return play(path, paper, WorthPlanner(), bars=[bars[pair] for pair in pairs])


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    return played(tmp_path_factory.mktemp("shared") / "run", PAIRS, "risk.max_total_exposure=1")


def test_the_limit_is_never_exceeded_and_changes_hands(session):
    held = [row["exposure_total"] for row in session.equity]
    assert max(held) == 1.0
    entered = {row["pair"] for row in session.orders if row["to_exposure"]}
    assert entered == set(PAIRS)
    limited = {row["limited_by"] for row in session.decisions}
    assert limited == {None, "max_total_exposure"}


def test_room_goes_to_the_greatest_worth(session):
    first = min(row["close_ns"] for row in session.decisions)
    ordered = [row["pair"] for row in session.orders if row["close_ns"] == first]
    observation, _, _ = session.planner.asked[0]
    worth = np.cos(1e3 * observation[:, -1, :5].sum(axis=1))
    assert ordered == [PAIRS[int(worth.argmax())]]


def test_the_order_of_the_pairs_has_no_effect(session, tmp_path):
    other = played(tmp_path / "run", PAIRS[::-1], "risk.max_total_exposure=1")
    facts = ("close_ns", "pair", "from_exposure", "to_exposure")

    def orders(of):
        return sorted(tuple(row[name] for name in facts) for row in of.orders)

    assert orders(other) == orders(session)


def test_a_margin_is_shared_in_the_same_way(tmp_path):
    margin = ("risk.leverage=1", "account.notional=9000", "risk.stop_out_frac=0.01")
    session = played(tmp_path / "run", PAIRS, *margin)
    assert max(row["exposure_total"] for row in session.equity) == 1.0
    assert {row["limited_by"] for row in session.decisions} == {None, "margin"}


def test_a_session_takes_the_limit_of_its_run():
    assert risk_of(FX_FACTORED).max_total_exposure == 10.0
    shared = replace(FX_FACTORED.trading, max_total_exposure=2.0)
    assert risk_of(replace(FX_FACTORED, trading=shared)).max_total_exposure == 2.0


def test_an_agent_plans_with_a_limit_that_may_bind():
    trained = TradingRules.from_config(FX_FACTORED)
    shared = settings(PAIRS, "risk.max_total_exposure=2")
    assert rules_in_force(trained, shared, FX_FACTORED.market).exposure_limit == ExposureLimit(
        2.0, 3
    )
    assert rules_in_force(trained, settings(PAIRS), FX_FACTORED.market).exposure_limit is None
