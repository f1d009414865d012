"""Exports made in another process, for the collector."""

import threading
import time

import numpy as np
import pytest

from mlx_muzero.errors import ExportError
from mlx_muzero.exports.export_process import export_in_child
from mlx_muzero.exports.samples import draw_samples
from mlx_muzero.exports.weights import digest, model_of, sizes_of, weights_of
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.training.models import build_model


@pytest.fixture
def model(small_config):
    return build_model(small_config, TradingRules.from_config(small_config).table)


@pytest.fixture
def export(small_config, small_dataset, tmp_path):
    samples = draw_samples(small_dataset, TradingRules.from_config(small_config), 16)

    def export_weights(weights, cancelled=None):
        never = threading.Event()
        target = tmp_path / "step-7"
        return export_in_child(
            weights, small_config, target, 32, samples, cancelled or never, "coreml"
        )

    return export_weights


def test_a_model_is_made_again_of_its_weights_and_sizes(model):
    weights = weights_of(model)
    again = model_of(weights, sizes_of(model))
    assert digest(weights_of(again)) == digest(weights)
    assert sizes_of(again) == sizes_of(model)


def test_a_failure_is_told_in_the_words_of_the_other_process(export, model, tmp_path):
    weights = weights_of(model)
    name = "dynamics_network.reward.bias"
    weights[name] = np.full_like(weights[name], 1e6)
    with pytest.raises(ExportError, match=rf"step-7.*exit code 1 \(.*{name}.*\)"):
        export(weights)
    assert not (tmp_path / "step-7").exists()


def test_a_cancelled_export_ends_at_once(export, model, tmp_path):
    cancelled = threading.Event()
    threading.Timer(0.3, cancelled.set).start()
    began = time.monotonic()
    with pytest.raises(ExportError, match="canceled"):
        export(weights_of(model), cancelled)
    assert time.monotonic() - began < 2.0
    assert not (tmp_path / "step-7").exists()
