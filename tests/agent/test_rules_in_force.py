"""Limits, swap and costs in force: searches plan with all of them, and accounts agree with them."""

from dataclasses import fields, replace

import mlx.core as mx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import cases, examples
from mlx_muzero.agent.factored_agent import FactoredAgent
from mlx_muzero.agent.leaf_change import LeafChange
from mlx_muzero.agent.moment import Moment
from mlx_muzero.agent.timetable import Timetable
from mlx_muzero.config.known_inputs import KnownInputs
from mlx_muzero.market.calendar import swap_nights
from mlx_muzero.market.passing import times_passed
from mlx_muzero.search.chain_values import ChainMarket
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.trading.costs import Costs, Swap
from mlx_muzero.trading.funding import Funding
from mlx_muzero.trading.gains import fill_costs
from mlx_muzero.trading.limits import Limits, permits
from mlx_muzero.trading.positions import TARGET_ACTIONS
from tests.agent.test_factored_agent import RULES, SEARCH, flat, model_for, observations

# Wednesday 10 January 2024, 16:57 in New York: three nights pass within minutes.
USUAL_SPREAD = 0.016
EVENING = int(np.datetime64("2024-01-10T21:57", "m").astype(np.int64))

IN_FORCE = {
    "flat by a bar": {"limits": Limits.of("bar 6", "", 1.0)},
    "flat by a time": {"limits": Limits.of("17:00 America/New_York", "", 1.0)},
    "flat for minutes": {"limits": Limits.of("16:59-17:01 America/New_York", "", 1.0)},
    "no entries": {"limits": Limits.of("", "16:59 America/New_York", 1.0)},
    "no entries ever": {"limits": Limits.of("", "bar 0", 1.0)},
    "size": {"limits": Limits.of("", "", 0.3), "table": TARGET_ACTIONS},
    "swap": {"swap": Swap(3.0, -2.0)},
    "funding": {"funding": Funding.of("fixed", "17:00 17:02 America/New_York", 8.0)},
    "settlements": {"funding": Funding.of("settled", "every 1 h", 0.0)},
    "entries": {"max_entries": 2, "session_bars": 20},
    "an end": {"session_bars": 20},
    "quotes": {"costs": Costs(0.0, 0.1, quoted=True)},
    "a clock": {"costs": Costs(3.0, clock_minutes=3, clock_pips=0.5)},
    "all": {
        "limits": Limits.of("17:02 America/New_York", "bar 7", 1.0),
        "swap": Swap(1.0, 0.5),
        "funding": Funding.of("settled", "17:00 America/New_York", 0.0),
        "costs": Costs(1.0, clock_minutes=5, clock_pips=0.0),
    },
}
"""Rules beside those of the training."""


def agent_under(name: str, planner: str = "expectimax", **search) -> FactoredAgent:
    rules = replace(RULES, **IN_FORCE[name])
    trained = replace(RULES, table=rules.table)
    changed = replace(SEARCH, planner=planner, **search)
    model = model_for(trained)
    model.usual.spread = mx.array(USUAL_SPREAD)
    return FactoredAgent(model, changed, rules, trained)


def moments(count: int) -> Moment:
    """Moments that tell everything, but one spread and one settlement."""
    number = np.arange(count)
    spread = np.where(number == 1, np.nan, 0.01 * number)
    rate = np.where(number == 2, np.nan, 1e-4 * (2.0 - number))
    return Moment(EVENING + number, 4 + number, spread, rate)


def by_definition(rules, moment, worth_at, moves, probs, position, action, discount):
    """Worth of an action, one path at a time, by what the rules say of every bar.

    `moment` is that of one account; `worth_at` gives the leaves' worth, `moves` and `probs` those
    below each path of outcomes.
    """
    minute, bar = int(moment.minute[0]), int(moment.bar[0])
    (quoted,), (settled,) = moment.spread, np.nan_to_num(moment.funding_rate)

    def decided(path, held, wanted_action):
        after = int(rules.states.next_state[held, wanted_action])
        now, at = np.array([minute + len(path)]), np.array([bar + len(path)])
        (stage,) = rules.limits.stages((1,), now, at)
        exposure = rules.states.exposures
        room = rules.limits.max_exposure
        if after < 0 or not permits(stage, exposure[held], exposure[after], room):
            return -np.inf
        known = not path and not np.isnan(quoted)
        spread = np.array([quoted if known else USUAL_SPREAD])
        paid = fill_costs(np.array([150.0]), rules, spread, now)[0, held, wanted_action]
        return standing(path, after) - paid

    def standing(path, held):
        if path not in moves:
            return worth_at(path, held)
        opens = np.array([(minute + len(path)) * MINUTE_NS])
        nights = swap_nights(opens, opens + MINUTE_NS)
        exposure = rules.states.exposures[held]
        carry = float(rules.swap.paid_pips(np.array([exposure]), nights)[0])
        if rules.funding.times is not None:
            due = int(times_passed(rules.funding.times, opens, opens + MINUTE_NS)[0])
            rate = rules.funding.fixed_rate or float(settled)
            carry += due * rate * exposure * 150.0 / 0.01
        shares = probs[path].astype(np.float64)
        total = 0.0
        for outcome, share in enumerate(shares / shares.sum()):
            best = max(
                decided((*path, outcome), held, each)
                for each in range(len(rules.table.action_names))
            )
            total += share * (float(moves[path][outcome]) * exposure - carry + discount * best)
        return total

    return decided((), position, action)


def of_root(moment: Moment, root) -> Moment:
    return Moment(*(getattr(moment, field.name)[np.atleast_1d(root)] for field in fields(Moment)))


@pytest.mark.parametrize("name", IN_FORCE)
def test_the_search_is_the_enumeration_of_all_paths_under_each_rule(name):
    agent = agent_under(name)
    model, rules, depth = agent._model, agent._rules, 2
    position = 2 * np.arange(4, dtype=np.int32) % rules.states.count
    observation, moment = observations(), moments(4)
    seed = np.zeros(4, np.uint64)
    result = agent.plan(observation, position, seed, simulations=12, noise=False, moment=moment)
    ahead = agent._market.ahead(observation, depth)
    leaves = agent._changed(ahead.leaf_worth, ahead.leaf_cluster, moment, depth)
    for root in range(4):
        moves, probs = {}, {}
        for level, layer in enumerate(ahead.layers):
            for number in range(3**level):
                path = tuple(int(d) for d in np.base_repr(number, 3).zfill(level)) if level else ()
                row = root * 3**level + number
                moves[path], probs[path] = layer.move[row], layer.outcome_probs[row]

        def worth_at(path, held, root=root):
            number = path[0] * 3 + path[1]
            return leaves[root * 9 + number, held]

        for action in range(len(rules.table.action_names)):
            wanted = by_definition(
                *(rules, of_root(moment, root), worth_at, moves, probs),
                *(int(position[root]), action, 1.0 if rules.session_bars else SEARCH.discount),
            )
            if np.isfinite(wanted):
                assert result.q[root, action] == pytest.approx(wanted, rel=1e-4, abs=1e-4)
                assert result.visits[root, action] == 12
            else:
                assert result.visits[root, action] == 0
    assert model.outcomes == 3


@pytest.mark.parametrize("planner", cases(1, ["expectimax", "sampling"]))
@pytest.mark.parametrize("name", cases(5, IN_FORCE))
def test_a_decision_does_not_depend_on_the_others_in_the_batch(name, planner):
    agent, observation, moment = agent_under(name, planner), observations(6), moments(6)
    account, seed = np.array([0, 1, 2, 0, 1, 2], np.int32), np.arange(6, dtype=np.uint64)

    def planned(rows):
        return agent.plan(
            *(observation[rows], account[rows], seed[rows]),
            simulations=12,
            noise=False,
            moment=of_root(moment, rows),
        )

    together = planned(np.arange(6))
    for row in range(6):
        alone = planned(np.array([row]))
        np.testing.assert_allclose(alone.q[0], together.q[row], rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(alone.visits[0] > 0, together.visits[row] > 0)
        assert alone.action[0] == together.action[row]


@pytest.mark.parametrize("name", cases(5, IN_FORCE))
def test_many_simulations_find_what_the_expectimax_finds_under_each_rule(name):
    account, seed = np.arange(4, dtype=np.int32) % 3, np.zeros(4, np.uint64)
    exact, found = (
        agent_under(name, planner, depth_limit=2).plan(
            *(observations(), account, seed), simulations=count, noise=False, moment=moments(4)
        )
        for planner, count in (("expectimax", 12), ("sampling", 10_000))
    )
    np.testing.assert_array_equal(found.visits > 0, exact.visits > 0)
    np.testing.assert_allclose(found.value, exact.value, atol=0.1 * np.ptp(exact.q))
    np.testing.assert_allclose(found.raw_value, exact.raw_value, rtol=1e-4, atol=1e-5)


@examples(30)
@given(
    st.integers(0, 60 * 24 * 365 * 60),
    st.sampled_from(["", "16:00 Europe/London", "21:50-22:10 UTC", "bar 5"]),
    st.sampled_from(["", "15:30 America/New_York", "bar 3"]),
    st.sampled_from([0.3, 0.6, 1.0]),
)
def test_searches_and_accounts_agree_on_what_is_legal_at_every_bar(minute, flat_by, none, room):
    limits = Limits.of(flat_by, none, room)
    rules = replace(RULES, table=TARGET_ACTIONS, limits=limits, swap=Swap(1.0, 1.0))
    timetable, bars = Timetable(rules, 150.0, 0.0, 1.0), np.arange(8)
    (condition,) = timetable.conditions(Moment(np.array([minute]), np.zeros(1, int)), 1, 7)
    stages = limits.stages((8,), minute + bars, bars)
    for bar in bars:
        searched = np.isfinite(timetable.terms.charged[condition[bar]])
        np.testing.assert_array_equal(searched, rules.allowed[stages[bar]])
    opens = (minute + bars) * MINUTE_NS
    nights = swap_nights(opens, opens + MINUTE_NS)
    paid = rules.swap.paid_pips(rules.states.exposures, nights[:, None])
    np.testing.assert_array_equal(timetable.terms.carry[condition], paid)


def test_an_agent_is_flat_when_it_must_be_and_waits_when_it_may_not_enter():
    model, observation = model_for(), observations(1)
    model.chain.move = mx.array([50.0, -50.0])
    limits = Limits.of("bar 2", "bar 1", 1.0)
    agent = FactoredAgent(model, SEARCH, replace(RULES, limits=limits, costs=Costs(0.0)), RULES)

    def action(position, bar):
        seed = np.zeros(1, np.uint64)
        held = np.array([position], np.int32)
        moment = Moment(bar=np.array([bar]))
        result = agent.plan(observation, held, seed, simulations=12, noise=False, moment=moment)
        raw = agent.network_action(observation, held, moment)
        return int(result.action[0]), int(raw[0])

    hold, close = 0, 3
    assert action(0, 1) == (hold, hold)
    for position in (1, 2):
        assert action(position, 2) == (close, close)
    assert action(0, 2) == (hold, hold)


CHAIN = ChainMarket(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([1.0, -0.7]), 0.99)


def steps_by_hand(timetable, moment, bars, last, discount=CHAIN.discount):
    """Worth of each state at the first of `bars` bars, counted backward one decision at a time."""
    (condition,) = timetable.conditions(moment, 1, bars)
    worth = last
    for bar in reversed(range(bars)):
        best = (
            worth[:, timetable.terms.next_state] - timetable.terms.charged[condition[bar + 1]]
        ).max(axis=-1)
        held = CHAIN.move[:, None] * timetable.terms.exposures
        worth = held - timetable.terms.carry[condition[bar]] + discount * CHAIN.transition @ best
    return worth


@pytest.mark.parametrize("bar", [0, 3, 20, 38, 39])
def test_the_chain_is_read_to_the_bar_by_which_all_must_be_flat(bar):
    """What follows is the same for all accounts, so it changes none of their decisions."""
    rules = replace(RULES, limits=Limits.of("bar 40", "", 1.0), costs=Costs(2.0))
    now, then = Timetable(rules, 150.0, 0.0, 1.0), Timetable(RULES, 150.0, 0.0, 1.0)
    change, row = LeafChange(CHAIN, now, then).of(Moment(bar=np.array([bar])), 1, 0)
    before = CHAIN.forever(then.terms, np.zeros(1, int))[0]
    moment = Moment(bar=np.array([bar]))
    wanted = steps_by_hand(now, moment, 40 - bar, np.zeros((2, 3)))
    got = change[row[0]] + before
    np.testing.assert_allclose(got - got[:, :1], wanted - wanted[:, :1], atol=1e-4)
    assert (np.abs(change[row[0]]) > 0.1).any()


@pytest.mark.parametrize(
    "name", ["flat by a time", "no entries", "swap", "funding", "settlements", "all"]
)
@pytest.mark.parametrize("later", [0, 2])
def test_the_chain_is_read_a_day_ahead_where_rules_follow_the_clock(name, later):
    rules, rate = replace(RULES, **IN_FORCE[name]), 2e-4
    now, then = Timetable(rules, 150.0, 0.0, 1.0), Timetable(RULES, 150.0, 0.0, 1.0)
    begin = EVENING - 300
    moment = Moment(np.array([begin]), np.array([2]), funding_rate=np.array([rate]))
    change, row = LeafChange(CHAIN, now, then).of(moment, 1, later)
    now = now.settling(rate) if now.follows_settlements else now
    before = CHAIN.forever(then.terms, np.zeros(1, int))[0]
    got = change[row[0]] + before
    wanted = steps_by_hand(
        now, moment.later(np.zeros(1, int), np.array([later])), 2900, np.zeros((2, 3))
    )
    np.testing.assert_allclose(got - got[:, :1], wanted - wanted[:, :1], atol=1e-3)


def test_what_the_quotes_say_now_is_not_expected_to_last():
    """A wide spread keeps an account from what it would do at the usual one, for this bar alone."""
    agent, account = agent_under("quotes"), np.zeros(4, np.int32)

    def entering(spread):
        result = agent.plan(
            *(observations(), account, np.zeros(4, np.uint64)),
            simulations=12,
            noise=False,
            moment=Moment(spread=np.full(4, spread)),
        )
        buy, sell = 1, 2
        return (
            result.q[:, buy],
            result.q[:, sell],
            agent.network_action(observations(), account, Moment(spread=np.full(4, spread))),
        )

    (cheap_buy, cheap_sell, _), (dear_buy, dear_sell, alone) = entering(0.0), entering(1.0)
    np.testing.assert_allclose(cheap_buy - dear_buy, 100.0, rtol=1e-4)
    np.testing.assert_allclose(cheap_sell, dear_sell, atol=1e-4)
    assert not (alone == 1).any()


@pytest.mark.parametrize("entries", [0, 1])
@pytest.mark.parametrize("bar", [0, 25, 38, 39])
def test_the_chain_is_read_to_the_end_of_a_session(bar, entries):
    """Absolute worth, undiscounted: what an entry that is left is worth ends with the session."""
    rules = replace(RULES, max_entries=entries, session_bars=40, costs=Costs(2.0))
    now, then = Timetable(rules, 150.0, 0.0, 1.0), Timetable(RULES, 150.0, 0.0, 1.0)
    seen, moment = rules.states.seen_as(RULES.states), Moment(bar=np.array([bar]))
    change, row = LeafChange(CHAIN, now, then, seen).of(moment, 1, 0)
    before = CHAIN.forever(then.terms, np.zeros(1, int))[0][:, seen]
    wanted = steps_by_hand(now, moment, 40 - bar, np.zeros((2, rules.states.count)), 1.0)
    np.testing.assert_allclose(change[row[0]] + before, wanted, atol=1e-4)


def entering(trained, entries):
    """What BUY is worth beyond HOLD with so many entries, of a model trained with others."""
    then, now = (
        replace(RULES, max_entries=count, session_bars=60 if count else 0)
        for count in (trained, entries)
    )
    model = model_for(then, known=KnownInputs(60 if trained else 0))
    model.chain.move = mx.array([3.0, -3.0])
    agent, account = FactoredAgent(model, SEARCH, now, then), np.zeros(4, np.int32)
    seed, moment = np.zeros(4, np.uint64), Moment(bar=np.full(4, 5))
    result = agent.plan(observations(), account, seed, simulations=12, noise=False, moment=moment)
    assert result.visits[:, :3].all()
    alone = agent.network_weights(observations(), account, moment)
    return result.q[:, 1] - result.q[:, 0], alone[:, 1] - alone[:, 0]


def test_an_entry_is_dearer_the_fewer_are_left():
    few, some, many = (entering(0, entries)[0] for entries in (1, 2, 8))
    assert (few < some).all()
    assert (some < many).all()


def test_networks_that_learned_other_entries_are_asked_for_as_many_left():
    """With three learned, five or any number look like three before an entry and after it."""
    alone = {entries: entering(3, entries)[1] for entries in (0, 1, 3, 5)}
    np.testing.assert_allclose(alone[0], alone[5], rtol=1e-5)
    for one, other in ((1, 3), (3, 5)):
        assert not np.isclose(alone[one], alone[other]).any()


def test_nothing_changes_where_no_rule_does():
    model, observation = model_for(), observations()
    limits = Limits.of("", "", 1.0)
    assert limits == Limits()
    same = replace(RULES, limits=limits, swap=Swap(0.0, 0.0))
    one, other = (
        FactoredAgent(model, SEARCH, rules, RULES).plan(
            observation, flat(), np.zeros(4, np.uint64), simulations=39, noise=False
        )
        for rules in (RULES, same)
    )
    for field in ("q", "value", "action", "policy", "prior"):
        np.testing.assert_array_equal(getattr(one, field), getattr(other, field))
