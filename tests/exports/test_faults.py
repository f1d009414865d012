"""What a search makes of a child process that fails: the same result, or another backend's.

But for one test the programs are the MLX model itself (`model_programs`), behind the process and
protocol that Core ML's run behind.
"""

import dataclasses
import os
import shutil
import signal
import threading
import time

import numpy as np
import pytest
from mlx.utils import tree_flatten

from examples import cases
from exports import passed, run_config, trading_model
from factored_models import factored_config, randomized
from mlx_muzero import rng
from mlx_muzero.agent.make import make_agent
from mlx_muzero.errors import ExportError
from mlx_muzero.exports.deployment import Deployment, Limits
from mlx_muzero.exports.export import export
from mlx_muzero.exports.formats import why_not_installed
from mlx_muzero.exports.options import ExportOptions
from mlx_muzero.exports.weights import weights_of
from mlx_muzero.profiling.subject import with_random_heads
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.trading.env import observation_features
from mlx_muzero.training.models import build_factored, build_model, build_muzero
from model_exports import LOADER, PATIENT, ROWS, break_programs, export_model
from program_faults import LOAD_CORE_AI

PAIRS, SIMULATIONS = 16, 12
CALLS = 10
"""Fewer than a search makes."""

ALWAYS = 1000


def export_core_ai(folder, config, model):
    """An export of `model` that Apple's runtime runs, exact enough to be compared with MLX."""
    options = ExportOptions(ROWS, precision="fp32")
    export(
        weights_of(model),
        config,
        "000001-episode-000004",
        folder,
        passed,
        options,
        export_format="coreai",
    )
    return folder


class Exported:
    """A model with its export in `folder`, and searches of both."""

    def __init__(self, config, model, folder, backend="coreml-sim", loader=LOADER):
        self.model, self.folder, self.backend, self.events = model, folder, backend, []
        self._config, self._loader = config, loader
        self._rules = TradingRules.from_config(config)

    def agent(self, backend=None, limits=PATIENT, **search):
        backend = backend or self.backend
        settings = dataclasses.replace(self._config.search, backend=backend, **search)
        folders = dict.fromkeys(("coreml", "coreai"), self.folder)
        deployment = Deployment(folders, self.events.append, limits, self._loader)
        return make_agent(self.model, settings, self._rules, deployment)

    def export_again(self, config, model):
        """Replace the export by one of another model."""
        EXPORTERS[self.backend](self.folder, config, model)

    def plan(self, agent):
        shape = (PAIRS, self._config.market.window_bars, len(observation_features(self._config)))
        observation = np.random.default_rng(0).normal(size=shape).astype(np.float32)
        seed = rng.key(3, rng.Stream.SEARCH, np.arange(PAIRS))
        position = (np.arange(PAIRS) % 3).astype(np.int32)
        return agent.plan(observation, position, seed, simulations=SIMULATIONS, noise=True)

    def happened(self):
        """Events so far, as (event, reason), and forgets them."""
        events = [(event.event, event.reason) for event in self.events]
        self.events.clear()
        return events


EXPORTERS = {"coreml-sim": export_model, "coreai-cpu": export_core_ai}
LOADERS = {"coreml-sim": LOADER, "coreai-cpu": LOAD_CORE_AI}


# Each fault in Apple's own runtime takes children that import it.
@pytest.fixture(params=cases(1, ["coreml-sim", "coreai-cpu"]))
def backend(request):
    """What plays the export: the model itself in place of Core ML, or Apple's Core AI runtime."""
    if request.param == "coreai-cpu" and (missing := why_not_installed("coreai")):
        pytest.skip(missing)
    return request.param


@pytest.fixture
def exported(backend, small_config, tmp_path, monkeypatch, pytestconfig, request):
    """A model with its export; of market and account unless the test asks for the other kind."""
    monkeypatch.setenv("PYTHONPATH", str(pytestconfig.rootpath / "tests" / "helpers"))
    table = TradingRules.from_config(small_config).table
    if getattr(request, "param", "muzero") == "factored":
        config = factored_config(small_config)
        model = randomized(build_factored(config, table))
    else:
        config, model = small_config, with_random_heads(build_muzero(small_config, table))
    folder = EXPORTERS[backend](tmp_path / "export", config, model)
    return Exported(config, model, folder, backend, LOADERS[backend])


both_kinds = pytest.mark.parametrize("exported", cases(1, ["muzero", "factored"]), indirect=True)


def assert_same(one, other):
    """Bit for bit."""
    for field in dataclasses.fields(one):
        if field.name != "statistics":
            np.testing.assert_array_equal(
                getattr(one, field.name), getattr(other, field.name), err_msg=field.name
            )


@pytest.mark.parametrize(
    "search",
    cases(1, [{}, {"expansion": "single_outcome"}, {"leaves_per_step": 3}]),
    ids=["all_outcomes", "single_outcome", "leaves_per_step"],
)
def test_an_export_plans_what_its_model_plans(exported, search):
    agent = exported.agent(**search)
    assert agent.backend == exported.backend
    planned = exported.plan(agent)
    by_mlx = exported.plan(exported.agent("mlx", **search))
    np.testing.assert_array_equal(planned.visits, by_mlx.visits)
    np.testing.assert_allclose(planned.value, by_mlx.value, atol=1e-3)
    assert exported.happened() == []


@pytest.mark.parametrize("exported", ["factored"], indirect=True)
def test_an_export_of_a_factored_model_plans_what_its_model_plans(exported):
    agent = exported.agent()
    assert agent.backend == exported.backend
    planned, by_mlx = exported.plan(agent), exported.plan(exported.agent("mlx"))
    np.testing.assert_array_equal(planned.visits, by_mlx.visits)
    np.testing.assert_array_equal(planned.action, by_mlx.action)
    np.testing.assert_allclose(planned.q, by_mlx.q, atol=1e-3)
    assert exported.happened() == []


def some_call():
    """How many calls of a search go well: a random number, shown where the test fails."""
    after = int(np.random.default_rng().integers(CALLS))
    print(f"the fault comes after {after} calls")
    return after


@pytest.mark.slow
@both_kinds
def test_child_killed_at_a_random_moment(exported):
    agent = exported.agent()
    undisturbed = exported.plan(agent)
    for _ in range(3):
        break_programs(exported.folder, "die", after=some_call())
        assert_same(exported.plan(agent), undisturbed)
        assert exported.happened() == [("engine_restarted", "it ended by SIGKILL")]
    assert agent.backend == exported.backend


@pytest.mark.slow
def test_child_with_the_interpreter_killed_from_outside(tmp_path):
    """A real export, in the process that plays it; the moment has nothing to do with the calls."""
    model = trading_model()
    config = run_config(model)
    export(weights_of(model), config, "m", tmp_path / "export", passed, ExportOptions((16,)))
    exported = Exported(config, model, tmp_path / "export", loader=None)
    agent = exported.agent()
    undisturbed = exported.plan(agent)
    began = time.monotonic()
    assert_same(exported.plan(agent), undisturbed)
    moment_s = np.random.default_rng().uniform(0.0, time.monotonic() - began)
    pid = agent._evaluator.supervisor.child.pid
    timer = threading.Timer(moment_s, os.kill, (pid, signal.SIGKILL))
    timer.start()
    assert_same(exported.plan(agent), undisturbed)
    timer.join()
    assert_same(exported.plan(agent), undisturbed)
    assert exported.happened() == [("engine_restarted", "it ended by SIGKILL")], moment_s


def test_child_hung(exported):
    agent = exported.agent(limits=Limits(answer_s=2.0))
    undisturbed = exported.plan(agent)
    break_programs(exported.folder, "hang", after=some_call())
    assert_same(exported.plan(agent), undisturbed)
    ((event, reason),) = exported.happened()
    assert event == "engine_restarted"
    assert reason == "recurrent_b8 did not answer within 2 s"


def assert_fell_back(exported, agent, *words):
    """It plays on with the native backend, and the last event says why."""
    assert agent.backend == "native"
    event = exported.events[-1]
    assert (event.event, event.backend) == ("engine_lost", "native")
    for word in words:
        assert word in event.reason
    exported.events.clear()
    assert_same(exported.plan(agent), exported.plan(exported.agent("native")))
    assert exported.happened() == []


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("one_row", ('output "outcome_logits" is (1, 3, 1, 1), expected (1, 3, 1, 8)',)),
        ("nan", ('recurrent_b8: output "reward" holds NaN or infinity',)),
        ("fail", ("RuntimeError: the engine says no",)),
    ],
    ids=["wrong_shape", "nan", "error"],
)
def test_wrong_answer(exported, fault, words):
    """A search in flight ends with the result of the other backend, from its first simulation."""
    agent = exported.agent()
    break_programs(exported.folder, fault, after=some_call())
    planned = exported.plan(agent)
    assert_same(planned, exported.plan(exported.agent("native")))
    assert_fell_back(exported, agent, *words)


@pytest.mark.parametrize("exported", ["factored"], indirect=True)
def test_wrong_answer_of_a_factored_models_program(exported):
    agent = exported.agent()
    break_programs(exported.folder, "nan", after=some_call())
    assert_same(exported.plan(agent), exported.plan(exported.agent("native")))
    assert_fell_back(exported, agent, 'output "worth" holds NaN or infinity')


@pytest.mark.parametrize("exported", ["factored"], indirect=True)
def test_a_sampling_search_over_a_factored_model_starts_over(exported):
    agent = exported.agent(planner="sampling")
    np.testing.assert_array_equal(
        exported.plan(agent).visits, exported.plan(exported.agent("mlx", planner="sampling")).visits
    )
    break_programs(exported.folder, "fail", after=3)
    planned = exported.plan(agent)
    assert_same(planned, exported.plan(exported.agent("native", planner="sampling")))
    assert agent.backend == "native"


@pytest.mark.slow
@both_kinds
def test_child_that_keeps_dying(exported):
    agent = exported.agent(limits=Limits(restarts=1))
    break_programs(exported.folder, "die", after=some_call(), times=ALWAYS)
    planned = exported.plan(agent)
    assert_same(planned, exported.plan(exported.agent("native")))
    assert_fell_back(exported, agent, "SIGKILL", "already restarted 1 times within 600 s")


@pytest.mark.slow
@both_kinds
def test_child_dies_at_load(exported):
    break_programs(exported.folder, "die", loading=True)
    agent = exported.agent()
    assert agent.backend == exported.backend
    assert exported.happened() == [("engine_restarted", "it ended by SIGKILL")]
    del agent
    break_programs(exported.folder, "die", loading=True, times=ALWAYS)
    agent = exported.agent(limits=Limits(restarts=1))
    assert_fell_back(exported, agent, "SIGKILL")


def test_slow_load(exported):
    break_programs(exported.folder, "hang", loading=True)
    agent = exported.agent(limits=Limits(load_s=1.0))
    assert_fell_back(exported, agent, "its programs did not load within 1 s")


def test_load_that_fails(exported):
    break_programs(exported.folder, "fail", loading=True)
    assert_fell_back(exported, exported.agent(), "RuntimeError: the engine says no")


def test_wrong_numbers_do_not_pass_the_self_test(exported):
    """Rows in another order: right numbers, but of other rows."""
    break_programs(exported.folder, "rows_reversed", times=ALWAYS)
    assert_fell_back(exported, exported.agent(), "self-test: recurrent ")


@pytest.mark.slow
def test_roots_on_the_programs_of_the_leaves(exported):
    """One child process; when it dies or answers nonsense, all is as if only leaves were there."""
    agent = exported.agent(root_backend=exported.backend)
    assert (agent.backend, agent.root_backend) == (exported.backend, exported.backend)
    planned, by_mlx = exported.plan(agent), exported.plan(exported.agent("mlx"))
    np.testing.assert_array_equal(planned.visits, by_mlx.visits)
    np.testing.assert_allclose(planned.raw_value, by_mlx.raw_value, atol=1e-3)
    break_programs(exported.folder, "die", after=some_call())
    assert_same(exported.plan(agent), planned)
    assert exported.happened() == [("engine_restarted", "it ended by SIGKILL")]
    break_programs(exported.folder, "nan", after=0)
    assert_same(exported.plan(agent), exported.plan(exported.agent("native")))
    assert agent.root_backend == "native"
    assert_fell_back(exported, agent, 'initial_b8: output "latent" holds NaN or infinity')


@pytest.mark.slow
def test_roots_alone_on_programs(exported):
    agent = exported.agent("native", root_backend=exported.backend)
    assert (agent.backend, agent.root_backend) == ("native", exported.backend)
    planned, by_mlx = exported.plan(agent), exported.plan(exported.agent("mlx"))
    np.testing.assert_array_equal(planned.visits, by_mlx.visits)
    break_programs(exported.folder, "die")
    assert_same(exported.plan(agent), planned)
    assert exported.happened() == [("engine_restarted", "it ended by SIGKILL")]
    break_programs(exported.folder, "fail")
    assert_same(exported.plan(agent), exported.plan(exported.agent("native")))
    assert (agent.backend, agent.root_backend) == ("native", "native")
    (event,) = exported.events
    assert (event.event, event.root_backend) == ("engine_lost", "native")
    assert str(event).endswith("the engine says no; roots continue with native")


def test_roots_that_cannot_be_loaded(exported):
    break_programs(exported.folder, "fail", loading=True)
    agent = exported.agent("mlx", root_backend=exported.backend)
    assert (agent.backend, agent.root_backend) == ("mlx", "mlx")
    assert exported.happened() == [("engine_lost", "RuntimeError: the engine says no")]


def test_leaves_are_lost_and_roots_stay(exported):
    agent = exported.agent(root_backend="mlx")
    break_programs(exported.folder, "fail")
    assert_same(exported.plan(agent), exported.plan(exported.agent("native", root_backend="mlx")))
    assert (agent.backend, agent.root_backend) == ("native", "mlx")


@both_kinds
def test_what_replaces_an_export_computes_in_float32(exported):
    agent = exported.agent(precision="bfloat16")
    assert agent.precision == "float32"
    break_programs(exported.folder, "fail")
    assert_same(exported.plan(agent), exported.plan(exported.agent("native")))
    assert (agent.backend, agent.precision) == ("native", "float32")


@both_kinds
def test_stale_export(exported):
    agent = exported.agent()
    agent.refresh()
    name, array = tree_flatten(exported.model.parameters())[0]
    exported.model.load_weights([(name, array + 1e-3)], strict=False)
    for use in (exported.agent, agent.refresh):
        with pytest.raises(ExportError, match=r"stale.*000001-episode-000004.*Export again"):
            use()


@pytest.mark.parametrize("now", ["replaced", "gone"])
def test_export_changed_before_a_restart(exported, small_config, now):
    """The former programs are no more; the model's weights are still those of the search."""
    agent = exported.agent()
    if now == "replaced":
        train = dataclasses.replace(small_config.train, seed=1)
        config = dataclasses.replace(small_config, train=train)
        other = build_model(config, TradingRules.from_config(config).table)
        exported.export_again(small_config, other)
    else:
        shutil.rmtree(exported.folder)
    os.kill(agent._evaluator.supervisor.child.pid, signal.SIGKILL)
    exported.plan(agent)
    assert_fell_back(exported, agent, {"replaced": "another export", "gone": "no export"}[now])
