"""Sessions that overlap in time are one observation, and one portfolio."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto_markets import CONFIG, crypto_bars
from examples import examples
from markets import MINUTE_NS
from mlx_muzero.config.presets import CRYPTO
from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.baselines import BUY_AND_HOLD, RandomPolicy, momentum
from mlx_muzero.evaluation.cost_sweep import CostCurve
from mlx_muzero.evaluation.metrics import measure
from mlx_muzero.evaluation.session_groups import RESAMPLES, SessionGroups, interval
from mlx_muzero.evaluation.value_ranking import ValueReport
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.history import PairHistory
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.trading.ledger import Trades

NAMES = ("HOLD", "BUY", "SELL", "CLOSE")
STEPS = 3


def one_trade_each(net):
    """A trade of each session, with that net."""
    n = len(net)
    return Trades(
        account=np.arange(n, dtype=np.int32),
        exposure=np.ones(n),
        entry_bar=np.zeros(n, np.int64),
        exit_bar=np.full(n, STEPS),
        entry_price=np.zeros(n),
        exit_price=np.zeros(n),
        gross_pips=np.asarray(net, np.float64),
        cost_pips=np.zeros(n),
        funding_pips=np.zeros(n),
        forced=np.zeros(n, bool),
    )


def measured(equity, groups):
    counts = np.array([0, equity.size, 0, 0])
    return measure(one_trade_each(equity[:, -1]), equity, counts, NAMES, groups=groups)


def test_sessions_that_overlap_belong_together_and_those_that_touch_do_not():
    first = np.array([0, 10, 4, 10, 20, 29])
    last = np.array([10, 20, 9, 21, 30, 35])
    assert SessionGroups.of_spans(first, last).group.tolist() == [0, 1, 0, 1, 1, 1]
    assert SessionGroups.of_spans(first[:4], last[:4]).group.tolist() == [0, 1, 0, 1]


markets = st.integers(1, 5).flatmap(
    lambda pairs: st.tuples(st.just(pairs), st.integers(2, 12), st.integers(0, 2**32 - 1))
)


def drawn(pairs, times, seed):
    """Equity of sessions of several pairs at the same times, and when they were."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(0, 10, (times, 1, STEPS))
    equity = (shared + rng.normal(0, 3, (times, pairs, STEPS))).reshape(-1, STEPS)
    begin = np.repeat(np.arange(times) * STEPS * MINUTE_NS, pairs)
    return equity, begin


@examples(20)
@given(markets)
def test_no_figure_depends_on_the_order_of_the_sessions(market):
    equity, begin = drawn(*market)
    order = np.random.default_rng(market[2]).permutation(len(equity))

    def figures(which):
        end = begin[which] + STEPS * MINUTE_NS
        found = measured(equity[which], SessionGroups.of_spans(begin[which], end))
        return {k: v for k, v in found.as_dict().items() if k not in ("action_frac", "alarm")}

    assert figures(order) == pytest.approx(figures(np.arange(len(equity))))


@examples(8)
@given(markets, st.integers(2, 4))
def test_a_pair_that_is_there_several_times_narrows_nothing(market, copies):
    equity, begin = drawn(*market)
    once = SessionGroups.of_spans(begin, begin + STEPS * MINUTE_NS)
    often = SessionGroups.of_spans(
        np.tile(begin, copies), np.tile(begin + STEPS * MINUTE_NS, copies)
    )
    one, many = measured(equity, once), measured(np.tile(equity, (copies, 1)), often)
    for name in (
        "net_pips_per_session",
        "net_pips_low",
        "net_pips_high",
        "net_pips_standard_error",
        "sharpe",
        "sortino",
        "calmar",
        "session_groups",
    ):
        wanted = getattr(one, name)
        assert getattr(many, name) == (wanted if wanted is None else pytest.approx(wanted)), name

    paid = np.abs(equity[:, 0])
    curves = [
        CostCurve.of(np.tile(equity[:, -1], n), np.tile(paid, n), (0.0, 1.0), groups)
        for n, groups in ((1, once), (copies, often))
    ]
    assert curves[1].low == pytest.approx(curves[0].low)
    assert curves[1].break_even_high == pytest.approx(curves[0].break_even_high)

    reports = [
        ValueReport.of(
            "p", *(np.tile(v, (n, 1)) for v in (equity, equity[:, ::-1], equity)), groups
        )
        for n, groups in ((1, once), (copies, often))
    ]
    assert dataclasses.astuple(reports[1].by_return) == pytest.approx(
        dataclasses.astuple(reports[0].by_return)
    )


@examples(10)
@given(
    st.lists(st.integers(1, 4), min_size=2, max_size=80)
    | st.tuples(st.integers(2, 80), st.integers(1, 4)).map(lambda drawn: [drawn[1]] * drawn[0]),
    st.sampled_from([(), (2,)]),
    st.integers(0, 2**32 - 1),
)
def test_resamples_in_blocks_are_those_drawn_one_by_one(sizes, shape, seed):
    """To the last bit: intervals that were reported stay what they are."""
    rng = np.random.default_rng(seed)
    groups = SessionGroups(rng.permutation(np.repeat(np.arange(len(sizes)), sizes)))
    values = rng.normal(0, 10, (sum(sizes), *shape))
    members = [np.flatnonzero(groups.group == group) for group in range(len(sizes))]
    draws = np.random.default_rng(seed)
    wanted = []
    for sessions in itertools.chain.from_iterable(groups.resamples(seed)):
        drawn = draws.integers(len(sizes), size=len(sizes))
        assert sessions.tolist() == np.concatenate([members[group] for group in drawn]).tolist()
        wanted.append(values[sessions].mean(axis=0))
    np.testing.assert_array_equal(groups.resampled_means(values, seed), wanted)
    assert len(wanted) == RESAMPLES


def test_pairs_that_move_together_are_not_independent():
    """Of ten pairs that are one, an interval over sessions would be too narrow by its root."""
    pips = np.repeat(np.random.default_rng(1).normal(0, 10, 30), 10)
    groups = SessionGroups(np.repeat(np.arange(30), 10))
    honest, naive = (interval(g.resampled_means(pips)) for g in (groups, SessionGroups.apart(300)))
    assert (honest[1] - honest[0]) / (naive[1] - naive[0]) == pytest.approx(np.sqrt(10), rel=0.15)
    deviation = np.std(pips[::10], ddof=1) / np.sqrt(30)
    assert groups.standard_error(pips) == pytest.approx(deviation)


def test_opposite_positions_at_the_same_time_are_no_drawdown():
    equity = np.array([[5.0, -5.0, 10.0], [-5.0, 5.0, -10.0]])
    together = measured(equity, SessionGroups(np.array([0, 0])))
    assert (together.max_drawdown_pips, together.session_groups) == (0.0, 1)
    assert measured(equity, SessionGroups(np.array([0, 1]))).max_drawdown_pips == 15.0


def test_a_single_group_has_no_interval():
    found = measured(np.array([[1.0, 2.0, 3.0], [0.0, 0.0, -2.0]]), SessionGroups(np.zeros(2, int)))
    assert (found.net_pips_low, found.net_pips_high) == (None, None)
    assert found.net_pips_per_session == 0.5


def test_the_order_of_the_pairs_changes_no_result():
    symbols = ("AAA", "BBB", "CCC")
    config = dataclasses.replace(CONFIG, context=(), macro=(), timeframes=(), symbols=symbols)
    histories = [
        PairHistory(crypto_bars(symbol, 2500, seed), {}) for seed, symbol in enumerate(symbols)
    ]
    rules = TradingRules.from_config(dataclasses.replace(CRYPTO, market=config))
    for count in (None, 7):
        found = []
        for order in (symbols, symbols[::-1]):
            dataset = MarketDataset.of_pairs(histories, dataclasses.replace(config, symbols=order))
            starts = dataset.evaluation_starts("test", count)
            policies = (BUY_AND_HOLD, momentum(5), RandomPolicy(3))
            found.append([backtest(policy, dataset, rules, starts).metrics for policy in policies])
        for one, other in zip(*found, strict=True):
            assert other == one
        assert count or one.session_groups < one.sessions
