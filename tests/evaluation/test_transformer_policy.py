"""The supervised rival learns from hindsight on training sessions, and is chosen by validation."""

import dataclasses

import mlx.core as mx
import numpy as np
import pytest
from mlx.utils import tree_flatten

from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.foresight_labels import label
from mlx_muzero.evaluation.transformer_policy import ReactiveTransformer, Sizes
from mlx_muzero.evaluation.transformer_teaching import RECIPE, teach_transformer
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.synthetic.edge_markets import planted_edge
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.trading.env import SessionEnv
from mlx_muzero.trading.positions import FLAT

TINY = dataclasses.replace(
    RECIPE,
    sizes=Sizes(8, 2, 1),
    sessions=40,
    validation_sessions=8,
    steps=60,
    check_every=20,
    batch_size=64,
    learning_rate=1e-2,
)


@pytest.fixture
def rules(small_config):
    trading = dataclasses.replace(small_config.trading, round_trip_cost_pips=0.5)
    return TradingRules.from_config(dataclasses.replace(small_config, trading=trading))


@pytest.fixture(scope="module")
def bars():
    return planted_edge(3, 4, session_bars=1)[0]


@pytest.fixture
def dataset(small_config, bars):
    return MarketDataset.from_bars(bars, small_config.market)


def test_labels_are_the_best_actions_after_costs(dataset, rules):
    starts = dataset.evaluation_starts("train", 6)
    labeled = label(dataset, rules, starts)
    bars = dataset.config.session_bars
    best = labeled.action.reshape(bars, len(starts), -1)
    assert rules.table.legal[np.arange(best.shape[2]), best].all()
    env = SessionEnv(dataset, rules, starts)
    while not env.done:
        np.testing.assert_array_equal(env.bar, labeled.bar.reshape(bars, -1)[env.step_index])
        env.step(best[env.step_index, np.arange(len(starts)), env.position])
    # What the labels earn from flat is the bound that nothing beats.
    dear = dataclasses.replace(rules, costs=dataclasses.replace(rules.costs, round_trip_pips=1e6))
    assert env.core.equity_pips.sum() > 0
    assert (label(dataset, dear, starts).action[:, FLAT] == 0).all()  # HOLD


def test_weights_are_what_a_wrong_action_costs(dataset, rules):
    labeled = label(dataset, rules, dataset.evaluation_starts("train", 6))
    assert labeled.weight.min() >= 0.0
    assert labeled.weight.mean() == pytest.approx(1.0, rel=1e-5)


@pytest.mark.slow
def test_it_earns_on_a_planted_edge_and_repeats_with_its_seed(dataset, rules):
    taught, again = (teach_transformer(dataset, rules, 1, TINY) for _ in range(2))
    assert taught.checked_net_pips == again.checked_net_pips
    assert list(taught.checked_net_pips) == [0, 20, 40, 60]
    assert taught.checked_net_pips[taught.chosen_steps] == max(taught.checked_net_pips.values())
    test = dataset.evaluation_starts("test")
    one, two = (backtest(t.policy, dataset, rules, test).metrics for t in (taught, again))
    assert one == two
    assert one.net_pips > 0


@pytest.mark.slow
def test_the_kept_weights_are_those_of_the_chosen_check(dataset, rules):
    taught = teach_transformer(dataset, rules, 1, TINY)
    validation = dataset.evaluation_starts("validation", TINY.validation_sessions)
    played = backtest(taught.policy, dataset, rules, validation).metrics
    assert played.net_pips_per_session == taught.checked_net_pips[taught.chosen_steps]


@pytest.mark.slow
def test_bars_outside_training_and_validation_change_nothing(small_config, bars, rules):
    test_part = int(len(bars) * 0.86)
    close = bars.close.copy()
    close[test_part:] += np.linspace(0.0, 5.0, len(close) - test_part)
    other = dataclasses.replace(
        bars,
        close=close,
        open=np.minimum(bars.open, close),
        high=np.maximum(bars.high, close),
        low=np.minimum(np.minimum(bars.low, close), bars.open),
    )
    weights = []
    for market in (bars, other):
        dataset = MarketDataset.from_bars(market, small_config.market)
        taught = teach_transformer(dataset, rules, 0, TINY)
        weights.append(dict(tree_flatten(taught.policy.network.parameters())))
    for name, array in weights[0].items():
        np.testing.assert_array_equal(np.array(array), np.array(weights[1][name]), err_msg=name)


def test_an_untaught_network_stays_flat(dataset, rules):
    nothing = dataclasses.replace(TINY, steps=1, learning_rate=0.0)
    taught = teach_transformer(dataset, rules, 0, nothing)
    played = backtest(taught.policy, dataset, rules, dataset.evaluation_starts("test")).metrics
    assert (taught.chosen_steps, played.trades) == (0, 0)
    window = np.zeros((dataset.config.window_bars, 10), np.float32)
    network = ReactiveTransformer(TINY.sizes, window, rules.states)
    assert network(mx.array(window[None])).shape == (1, *rules.table.legal.shape)
