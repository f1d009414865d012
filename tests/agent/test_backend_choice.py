"""Which backend evaluates: named, or the faster one, settled once and kept."""

import dataclasses
import sys
from types import ModuleType
from typing import get_args

import mlx.core as mx
import numpy as np
import pytest
from mlx.utils import tree_flatten

from mlx_muzero import rng
from mlx_muzero.agent import backend_choice as backends
from mlx_muzero.agent.backend_speeds import BackendSpeeds, remember
from mlx_muzero.agent.muzero_agent import MuZeroAgent
from mlx_muzero.backends import mlx
from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.choices import Precision
from mlx_muzero.errors import ConfigError, SearchError
from mlx_muzero.machine import performance_cores
from mlx_muzero.market.observation.outcomes import OUTCOME_NAMES
from mlx_muzero.profiling.subject import with_random_heads
from mlx_muzero.trading.account_states import AccountStates
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.trading.env import observation_features
from mlx_muzero.training.models import build_model


@pytest.fixture
def table(small_config):
    return TradingRules.from_config(small_config).table


@pytest.fixture
def model(small_config, table):
    return build_model(small_config, table)


def with_backend(config, backend):
    return dataclasses.replace(config.search, backend=backend)


def plan(agent, config):
    shape = (5, config.market.window_bars, len(observation_features(config)))
    observation = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    seed = rng.key(3, rng.Stream.SEARCH, np.arange(5))
    return agent.plan(observation, np.zeros(5, np.int32), seed, simulations=8, noise=False)


def test_auto_takes_the_fastest_and_says_so(small_config, model):
    search, speeds = backends.settle(model, with_backend(small_config, "auto"))
    assert set(speeds.leaves_per_s) == {"native", "mlx"}
    assert min(speeds.leaves_per_s.values()) > 0
    assert search.backend == speeds.fastest
    assert speeds.leaves_per_s[search.backend] == max(speeds.leaves_per_s.values())
    assert "native " in str(speeds)
    assert "mlx " in str(speeds)


def test_an_agent_needs_a_settled_backend(small_config, model, table):
    with pytest.raises(ConfigError, match=r"search\.backend"):
        MuZeroAgent(
            model, with_backend(small_config, "auto"), AccountStates(table), len(OUTCOME_NAMES)
        )


def test_agents_on_both_backends_agree(small_config, model, table):
    native, mlx = (
        plan(
            MuZeroAgent(
                model, with_backend(small_config, name), AccountStates(table), len(OUTCOME_NAMES)
            ),
            small_config,
        )
        for name in backends.BACKENDS
    )
    np.testing.assert_array_equal(native.visits, mlx.visits)
    np.testing.assert_allclose(native.value, mlx.value, atol=1e-4)


def test_an_agent_plans_with_new_weights_after_a_refresh(small_config, model, table):
    agent = MuZeroAgent(model, small_config.search, AccountStates(table), len(OUTCOME_NAMES))
    old = plan(agent, small_config).q
    model.dynamics_network.reward.bias = model.dynamics_network.reward.bias + 1.0
    np.testing.assert_array_equal(plan(agent, small_config).q, old)
    agent.refresh()
    assert (plan(agent, small_config).q > old).any()


def test_roots_may_be_computed_by_another_backend(small_config, model, table):
    """The MLX model's roots below native leaves are those of a search by MLX alone."""

    def by(backend, root_backend):
        search = dataclasses.replace(
            small_config.search, backend=backend, root_backend=root_backend
        )
        agent = MuZeroAgent(model, search, AccountStates(table), len(OUTCOME_NAMES))
        assert (agent.backend, agent.root_backend) == (backend, root_backend)
        first = plan(agent, small_config)
        bias = model.value_network.logits.bias
        model.value_network.logits.bias = bias + mx.arange(len(bias)) / len(bias)
        agent.refresh()
        assert not np.array_equal(plan(agent, small_config).raw_value, first.raw_value)
        return first

    weights = tree_flatten(with_random_heads(model).parameters())
    mixed = by("native", "mlx")
    model.load_weights(weights)
    roots = by("mlx", "mlx")
    model.load_weights(weights)
    leaves = by("mlx", "native")
    np.testing.assert_array_equal(mixed.raw_value, roots.raw_value)
    np.testing.assert_array_equal(mixed.visits, roots.visits)
    np.testing.assert_array_equal(leaves.visits, roots.visits)


def test_roots_are_settled_by_a_profile_that_knows_them(small_config, model):
    search = dataclasses.replace(small_config.search, backend="native", root_backend="auto")
    assert backends.settle_roots(model, search) == search
    key = backends.speed_key(model, search)
    rates = {"native": 9.0, "mlx": 5.0}
    for roots, settled in (
        ({"native": 100.0, "mlx": 105.0}, "auto"),  # no faster than chance would have it
        ({"native": 100.0, "mlx": 120.0}, "mlx"),
        ({"native": 100.0, "coreai-cpu": 900.0}, "auto"),  # nobody has an export
        ({}, "auto"),
    ):
        remember(key, BackendSpeeds(rates, roots_per_s=roots))
        assert backends.settle_roots(model, search).root_backend == settled
        assert backends.settle(model, with_backend(small_config, "auto"))[0].root_backend == settled
    named = dataclasses.replace(search, root_backend="native")
    remember(key, BackendSpeeds(rates, roots_per_s={"native": 1.0, "mlx": 9.0}))
    assert backends.settle_roots(model, named) == named


def test_roots_on_an_export_need_one(small_config, model, table):
    search = dataclasses.replace(small_config.search, root_backend="coreai")
    with pytest.raises(ConfigError, match=r'search\.root_backend: "coreai" runs an export'):
        MuZeroAgent(model, search, AccountStates(table), len(OUTCOME_NAMES))


def test_a_settled_backend_survives_the_file(small_config, tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(config_toml.dumps(small_config))
    assert config_toml.load(path).search.backend == "native"


@pytest.fixture
def third(monkeypatch):
    """A third backend: a module with a `BACKEND`, and its name in the list."""
    module = ModuleType("mlx_muzero.backends.third")
    module.BACKEND = dataclasses.replace(mlx.BACKEND, threaded=True)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(backends, "BACKENDS", (*backends.BACKENDS, "third"))
    return module


def test_another_backend_is_a_module_and_its_name(small_config, model, table, third):
    search = with_backend(small_config, "third")
    assert set(backends.measure(model, search).leaves_per_s) == set(backends.BACKENDS)
    assert backends.search_threads(search) == (search.threads or performance_cores())
    agents = [
        MuZeroAgent(
            model, with_backend(small_config, name), AccountStates(table), len(OUTCOME_NAMES)
        )
        for name in ("third", "mlx")
    ]
    named, reference = (plan(agent, small_config) for agent in agents)
    np.testing.assert_array_equal(named.visits, reference.visits)


def test_a_model_falls_back_to_the_first_backend_that_represents_it(model, third, monkeypatch):
    def refuse(model, precision):
        raise SearchError("not this one")

    third.BACKEND = dataclasses.replace(third.BACKEND, evaluator=refuse)
    monkeypatch.setattr(backends, "BACKENDS", ("third", "mlx"))
    assert backends.fallback(model) == "mlx"


def test_there_is_a_core_to_compute_on():
    assert performance_cores() >= 1


def test_only_native_has_a_choice_of_precision(small_config, model, table):
    search = dataclasses.replace(with_backend(small_config, "auto"), precision="int8")
    settled, speeds = backends.settle(model, search)
    assert (settled.backend, set(speeds.leaves_per_s)) == ("native", {"native"})
    states = AccountStates(table)
    agent = MuZeroAgent(model, settled, states, len(OUTCOME_NAMES))
    assert agent.precision == "int8"
    exact = dataclasses.replace(settled, precision="float32")
    wanted = plan(MuZeroAgent(model, exact, states, len(OUTCOME_NAMES)), small_config).value
    assert 0 < np.abs(plan(agent, small_config).value - wanted).max() < 0.1
    mlx_agent = MuZeroAgent(
        model, dataclasses.replace(search, backend="mlx"), states, len(OUTCOME_NAMES)
    )
    assert mlx_agent.precision == "float32"


def test_speeds_are_remembered_by_precision(small_config, model):
    search = with_backend(small_config, "auto")
    paths = {
        backends.speed_key(model, dataclasses.replace(search, precision=precision)).path
        for precision in get_args(Precision)
    }
    assert len(paths) == 4
    assert "precision" not in backends.speed_key(model, search).facts


def test_a_precision_of_another_backend_is_refused(small_config):
    named = ["search.precision=int8", "search.backend=mlx"]
    with pytest.raises(ConfigError, match="only the native backend has a choice"):
        config_toml.override(small_config, named)
