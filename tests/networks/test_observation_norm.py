"""Observations of one size: what is measured, what is left alone, what training does with it."""

from dataclasses import replace

import mlx.core as mx
import numpy as np
from mlx.utils import tree_flatten

from markets import walk_bars
from mlx_muzero.config.presets import FX_INTRADAY, FX_MICRO
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.networks.observation_norm import ObservationNorm
from mlx_muzero.trading.positions import FX_ACTIONS
from mlx_muzero.training.models import build_model, measure_observations


def windows(*scales, count=50):
    random = np.random.default_rng(0)
    columns = [random.normal(3.0 * s, s, (count, 8)) for s in scales]
    return np.stack(columns, axis=-1).astype(np.float32)


def test_measured_columns_get_mean_0_and_deviation_1():
    norm = ObservationNorm(3)
    seen = windows(1e-4, 0.1, 20.0)
    norm.measure(seen)
    out = np.array(norm(mx.array(seen))).reshape(-1, 3)
    np.testing.assert_allclose(out.mean(axis=0), 0.0, atol=1e-3)
    np.testing.assert_allclose(out.std(axis=0), 1.0, atol=1e-3)


def test_what_never_changes_or_was_not_measured_stays_as_it_is():
    norm = ObservationNorm(4)
    seen = np.concatenate([windows(1.0), np.full((50, 8, 1), 0.7), np.zeros((50, 8, 1))], axis=2)
    norm.measure(seen.astype(np.float32))
    shown = np.random.default_rng(1).normal(size=(5, 8, 4)).astype(np.float32)
    np.testing.assert_array_equal(np.array(norm(mx.array(shown)))[..., 1:], shown[..., 1:])


def test_nothing_of_it_is_learned():
    norm = ObservationNorm(2)
    norm.unfreeze()
    assert not tree_flatten(norm.trainable_parameters())
    assert dict(tree_flatten(norm.parameters())).keys() == {"mean", "scale"}


def test_it_is_measured_in_the_training_split_alone():
    def measured(bars):
        model = build_model(FX_MICRO, FX_ACTIONS)
        measure_observations(model, MarketDataset.from_bars(bars, FX_MICRO.market))
        norm = model.representation_network.observation_norm
        return np.array([norm.mean, norm.scale])

    bars = walk_bars(2000)
    swollen = np.where(np.arange(2000) < 1400, 1.0, np.linspace(1.0, 2.0, 2000))
    names = ("open", "high", "low", "close")
    later = replace(bars, **{name: getattr(bars, name) * swollen for name in names})
    found = measured(bars)
    np.testing.assert_array_equal(measured(later), found)
    market, account = found[:, :9], found[:, 9:]
    assert (market != [[0.0], [1.0]]).any(axis=0).sum() >= 7
    np.testing.assert_array_equal(account, np.tile([[0.0], [1.0]], account.shape[1]))


def test_sessions_of_a_day_are_measured_at_all_of_its_hours():
    market = replace(FX_INTRADAY.market, symbol="TEST")
    dataset = MarketDataset.from_bars(walk_bars(20_000), market)
    starts, decided = dataset.training_starts(), dataset.training_decisions()
    assert len(decided) == len(starts) * market.session_bars
    config = replace(FX_INTRADAY, market=market)
    model = build_model(config, FX_ACTIONS)
    measure_observations(model, dataset)
    norm = model.representation_network.observation_norm
    seen = dataset.windows(decided[::97])
    account = np.zeros((*seen.shape[:2], len(norm.mean) - seen.shape[2]), np.float32)
    shown = np.array(norm(mx.array(np.concatenate([seen, account], axis=2))))
    # The nearness of an event is next to 0 at the start of every session.
    assert np.abs(shown).max() < 100.0
    anywhere = replace(dataset, config=replace(market, session_start=""))
    assert np.array_equal(anywhere.training_decisions(), anywhere.training_starts())
