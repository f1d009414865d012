"""The decisions on a page are those that were made, and the trees those that tell most."""

from dataclasses import replace

import numpy as np
import pytest

from mlx_muzero.agent.make import make_agent
from mlx_muzero.evaluation.agent_policies import SearchPolicy
from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.page.fill_decisions import Played, decisions_behind, telling
from mlx_muzero.evaluation.page.kept_searches import KeptSearches
from mlx_muzero.evaluation.page.played import TOOK_OVER, WENT_ON, trades_of
from mlx_muzero.evaluation.session_bars import SessionBars
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.training.models import build_model

SIMULATIONS = 4


@pytest.fixture
def played(small_dataset, small_config):
    rules = TradingRules.from_config(small_config)
    agent = make_agent(build_model(small_config, rules.table), small_config.search, rules)
    starts = small_dataset.evaluation_starts("test")
    found = backtest(SearchPolicy(agent, SIMULATIONS), small_dataset, rules, starts)
    return Played(found, starts, small_dataset, rules, agent, SIMULATIONS)


def test_every_fill_has_the_decision_that_made_it(played):
    decisions = decisions_behind(played, "show it at")
    bars = SessionBars.of(played.dataset, played.starts, played.rules.pip_size)
    trades = trades_of(played.backtest, bars, ["TEST"], decisions, "close")
    assert len(trades) == len(played.backtest.trades) > 0
    assert (np.diff(trades.entry_ns) >= 0).all()
    np.testing.assert_array_equal(decisions.bar_ns[trades.entry_decision], trades.entry_ns)
    decided = trades.exit_decision >= 0
    assert (decided | (trades.ending == 1)).all(), "only the end of a session decides nothing"
    left = decisions.bar_ns[trades.exit_decision[decided]]
    np.testing.assert_array_equal(left, trades.exit_ns[decided])
    assert set(decisions.held[trades.entry_decision]) <= {-1.0, 0.0, 1.0}


def test_searching_again_finds_what_was_played(played):
    decisions = decisions_behind(played, "")
    np.testing.assert_array_equal(decisions.wanted, decisions.taken)
    assert decisions.note == (
        "Decisions are planned once more with the same seeds, as they were when the agent played."
    )
    np.testing.assert_allclose(decisions.share.sum(axis=1), 1.0, atol=1e-5)
    seen = np.isfinite(decisions.chances).all(axis=1)
    np.testing.assert_allclose(decisions.chances[seen].sum(axis=1), 1.0, atol=1e-5)
    bar = np.searchsorted(played.dataset.open_time_ns, decisions.bar_ns)
    moved = np.diff(played.dataset.close)[bar] / played.rules.pip_size
    np.testing.assert_allclose(decisions.moved, moved)


def test_what_was_kept_while_playing_is_what_planning_again_finds(played):
    kept = KeptSearches(played.agent, SIMULATIONS)
    market = played.dataset, played.rules, played.starts
    found = backtest(kept, *market)
    np.testing.assert_array_equal(found.actions, played.backtest.actions)
    agent = _Counting(played.agent)
    known = decisions_behind(replace(played, backtest=found, agent=agent, kept=kept), "")
    again = decisions_behind(played, "")
    assert agent.planned == len(known.trees), "only trees are planned once more"
    order, other = np.argsort(known.bar_ns), np.argsort(again.bar_ns)
    for name in ("bar_ns", "held", "taken", "wanted", "moved", "threshold"):
        np.testing.assert_array_equal(getattr(known, name)[order], getattr(again, name)[other])
    for name in ("share", "prior", "q", "value", "network_value", "chances"):
        ours, theirs = getattr(known, name)[order], getattr(again, name)[other]
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    assert known.note.startswith("Decisions as kept when the agent played")


def test_a_decision_that_a_limit_changed_is_planned_again(played):
    kept = KeptSearches(played.agent, SIMULATIONS)
    found = backtest(_Overruled(kept), played.dataset, played.rules, played.starts)
    known = decisions_behind(replace(played, backtest=found, kept=kept), "")
    assert (known.wanted != known.taken).any()
    assert "other decisions are planned once" in known.note or "Decisions are planned" in known.note
    np.testing.assert_allclose(known.share.sum(axis=1), 1.0, atol=1e-5)
    assert "took another action" in known.note


class _Counting:
    """An agent that counts the roots that are planned."""

    def __init__(self, agent):
        self._agent, self.planned = agent, 0

    def plan(self, observation, *arguments, **options):
        self.planned += len(observation)
        return self._agent.plan(observation, *arguments, **options)

    def tree(self, root, *, simulations):
        return self._agent.tree(root, simulations=simulations)


class _Overruled:
    """Enters the other way round at each first step, whatever the policy wants."""

    name = "overruled"

    def __init__(self, policy):
        self._policy = policy

    def reset(self, env):
        self._policy.reset(env)

    def act(self, env):
        wanted = self._policy.act(env)
        return wanted if env.step_index else np.array([0, 2, 1, 3], np.int32)[wanted]


def test_the_moves_beside_a_tree_are_those_of_the_closes_that_followed(played):
    decisions = decisions_behind(played, "")
    dataset = played.dataset
    for place, tree in decisions.trees.items():
        bar = np.searchsorted(dataset.open_time_ns, decisions.bar_ns[place])
        ahead = dataset.close[bar + 1 : bar + 17] - dataset.close[bar]
        np.testing.assert_allclose(tree.moves, ahead / played.rules.pip_size)


def test_a_tree_is_that_of_its_decision(played):
    decisions = decisions_behind(played, "")
    assert len(decisions.trees) == min(len(decisions), 200)
    for place, tree in decisions.trees.items():
        columns = tree.columns
        assert columns["visits"][0] == SIMULATIONS + 1
        assert columns["value"][0] == pytest.approx(decisions.value[place], abs=1e-5)
        tried = [e for e, p in zip(columns["edge"], columns["parent"], strict=True) if p == 0]
        assert set(tried) <= set(np.flatnonzero(np.isfinite(decisions.q[place])))


def test_a_policy_that_never_trades_has_no_decisions(played):
    still = backtest(_Still(), played.dataset, played.rules, played.starts)
    assert decisions_behind(Played(still, *list(vars(played).values())[1:]), "") is None


class _Still:
    name = "still"

    def reset(self, env):
        pass

    def act(self, env):
        return np.zeros(len(env.bar), np.int32)


def test_entries_that_moved_most_and_overruled_policies_share_the_room():
    prior = np.array([[0.9, 0.1]] * 6, np.float32)
    wanted = np.array([0, 1, 0, 1, 0, 0], np.int8)
    net = np.array([5.0, 0.0, -9.0, 0.0, 1.0, 0.5])
    assert telling(prior, wanted, net, 4).tolist() == [0, 1, 2, 3]
    assert telling(prior, wanted, net, 2).tolist() == [1, 2]
    assert telling(prior, np.zeros(6, np.int8), net, 4).tolist() == [0, 2, 4, 5]


def test_a_position_that_is_resized_is_filled_once(small_config, small_dataset):
    rules = TradingRules.from_config(small_config)
    starts = small_dataset.evaluation_starts("test")[:1]
    turning = backtest(_Turning(), small_dataset, rules, starts)
    bars = SessionBars.of(small_dataset, starts, rules.pip_size)
    trades = trades_of(turning, bars, ["TEST"], None, "next_open")
    assert not np.any(trades.resized & (TOOK_OVER | WENT_ON)), "whole positions are never resized"
    first_bar_ns = bars.close_ns[0, 0] - MINUTE_NS
    assert trades.entry_ns[0] == first_bar_ns + MINUTE_NS, "filled in the bar after the decision"


class _Turning(_Still):
    def act(self, env):
        return np.full(len(env.bar), 1 + env.step_index % 3, np.int32)
