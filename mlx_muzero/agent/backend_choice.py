"""The backends that compute a model for a search, and the choice of the fastest one here."""

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import get_args

import mlx.core as mx
import numpy as np

from mlx_muzero.agent.backend_speeds import BackendSpeeds, SpeedKey, recall
from mlx_muzero.backends.backend import BackendFactory, Encoder, ModelEvaluator
from mlx_muzero.config.choices import Backend, ConcreteBackend, ExportBackend, ModelBackend
from mlx_muzero.config.schema import SearchConfig
from mlx_muzero.errors import ConfigError, ExportError, SearchError
from mlx_muzero.exports.deployment import Deployment, EngineEvent, compute_units
from mlx_muzero.exports.evaluator import ExportedEvaluator, ExportedMarket
from mlx_muzero.exports.played_export import current_manifest
from mlx_muzero.exports.program import Engine
from mlx_muzero.machine import performance_cores
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.networks.kinds import Model
from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.search.expectimax import depth_within
from mlx_muzero.search.market_evaluator import MarketEvaluator
from mlx_muzero.search.params import SearchParams
from mlx_muzero.search.search import Search

BACKENDS: tuple[ModelBackend, ...] = get_args(ModelBackend)
"""Backends that need nothing but a model."""

ENGINES: dict[ExportBackend, Engine] = {"coreml": "coreml", "coreml-sim": "sim"}
"""Backends that need an export, and the engine that runs its programs."""

_NAMED = " or ".join(f'"{name}"' for name in BACKENDS)
"""The same in words."""

_ROOTS, _SIMULATIONS, _REPEATS = 16, 4, 3


def make_encoder(model: StochasticMuZero, search: SearchConfig) -> Encoder:
    """Make the encoder of observations for the evaluator named by `search.backend`.

    It is the backend's own; for backends that run an export, MLX encodes.
    """
    backend = _model_backend(search) or _load_backend("mlx")
    return backend.encoder(model, search_threads(search))


def make_evaluator(
    model: StochasticMuZero, search: SearchConfig, deployment: Deployment | None = None
) -> ModelEvaluator:
    """Make the evaluator named by `search.backend`; `ENGINES` run the export of `deployment`.

    Raises:
        ConfigError: the backend is still "auto", or there is no export for it.
        SearchError: the backend cannot represent the model.
        ExportError: the export cannot be used, or is of other weights.
        EngineLost: the export's programs do not work here.
    """
    if own := _model_backend(search):
        return own.evaluator(model)
    return ExportedEvaluator(
        model, search.expansion, *_engine(search.backend, deployment, collects=True)
    )


def make_market(
    model: FactoredModel, search: SearchConfig, deployment: Deployment | None = None
) -> MarketEvaluator:
    """Make what computes the networks of `model`, as named by `search.backend`.

    Errors are those of `make_evaluator`.
    """
    if own := _model_backend(search):
        return own.market(model, search_threads(search))
    return ExportedMarket(model, *_engine(search.backend, deployment, collects=False))


def _engine(
    backend: Backend, deployment: Deployment | None, *, collects: bool
) -> tuple[Engine, Deployment]:
    """What runs an export, and the export; `collects` if training can collect with exports.

    Raises:
        ConfigError: the backend is still "auto", or there is no export for it.
    """
    if backend not in ENGINES:
        raise ConfigError(
            'search.backend: "auto" has not been settled yet; call '
            f"mlx_muzero.agent.backend_choice.settle, or name {_NAMED}"
        )
    if deployment is None:
        elsewhere = f', and "{backend}" as collect.backend' if collects else ""
        raise ConfigError(
            f'search.backend: "{backend}" runs an export, which a model in training does not have; '
            f"name {_NAMED} here{elsewhere}"
        )
    return ENGINES[backend], deployment


def fallback(model: Model) -> ModelBackend:
    """The backend that replaces a failed export: the first of `BACKENDS` to support `model`."""
    return next(name for name in BACKENDS if _represents(name, model))


def search_threads(search: SearchConfig) -> int:
    """Number of threads per search; 1 on a backend where more would wait for each other."""
    backend = _model_backend(search)
    if backend is None or not backend.threaded:
        return 1
    return search.threads or performance_cores()


def speed_key(model: Model, search: SearchConfig) -> SpeedKey:
    """The key under which this machine remembers the speeds of searches with `model`."""
    choices = model.account_states if isinstance(model, FactoredModel) else model.actions
    return SpeedKey.of(model.config, choices, model.outcomes, search, compute_units())


def measure(model: Model, search: SearchConfig) -> BackendSpeeds:
    """Run short searches of 16 roots with `model` on every backend, in a fraction of a second."""
    model.eval()
    rates: dict[ConcreteBackend, float] = {}
    for backend in (name for name in BACKENDS if _represents(name, model)):
        trial = replace(search, backend=backend)
        if isinstance(model, FactoredModel):
            evaluate = _market_trial(model, trial)
        else:
            evaluate = _search_trial(model, trial)
        for repeat in range(1 + _REPEATS):
            start = time.perf_counter()
            rate = evaluate() / (time.perf_counter() - start)
            # The first run also allocates memory.
            rates[backend] = max(rates.get(backend, 0.0), rate if repeat else 0.0)
    return BackendSpeeds(rates)


def _search_trial(model: StochasticMuZero, search: SearchConfig) -> Callable[[], int]:
    """Make a function that searches from 16 roots and returns the number of leaves evaluated."""
    random = np.random.default_rng(0)
    shape = (_ROOTS, model.config.latent_width)
    latents = mx.array(random.normal(size=shape).astype(np.float32))
    prior = np.full((_ROOTS, model.actions), 1.0 / model.actions, np.float32)
    zeros = np.zeros(_ROOTS, np.int32)
    positions = np.zeros((1, model.actions), np.int32)
    params = SearchParams(num_simulations=_SIMULATIONS, expansion=search.expansion)
    evaluator = make_evaluator(model, search)
    searcher = Search(params, positions, model.outcomes, search_threads(search))

    def run() -> int:
        result = searcher.run(evaluator, latents, prior, zeros, zeros, zeros, noise=False)
        return int(result.statistics.leaves.sum())

    return run


def _market_trial(model: FactoredModel, search: SearchConfig) -> Callable[[], int]:
    """Make a function that reads ahead of 16 roots and returns the number of states evaluated."""
    shape = (_ROOTS, model.window_bars, model.features)
    observation = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    market = make_market(model, search)
    depth = depth_within(search.num_simulations, model.outcomes, search.depth_limit)
    return lambda: market.ahead(observation, depth).states


def settle(
    model: Model, search: SearchConfig, deployment: Deployment | None = None
) -> tuple[SearchConfig, BackendSpeeds]:
    """Replace "auto" in `search` with the fastest backend; also return the speeds it was chosen by.

    Uses what ``mlx-muzero profile`` found on this machine for networks of this size, or else a
    short measurement. Only a profile knows "coreml", which is chosen only if `deployment` has an
    export of `model`; a simulation is never chosen. If the export that was fastest cannot be used,
    this is reported. Results depend on the backend in their last digits, so keep the settled
    configuration to repeat them.
    """
    profiled = recall(speed_key(model, search))
    rates = {} if profiled is None else profiled.leaves_per_s
    unusable = _unusable(model, deployment)
    usable: set[ConcreteBackend] = {name for name in BACKENDS if _represents(name, model)}
    if not unusable:
        usable.add("coreml")
    known = {name: rate for name, rate in rates.items() if name in usable}
    speeds = replace(profiled, leaves_per_s=known) if profiled and known else measure(model, search)
    if deployment and unusable and rates.get("coreml", 0.0) > max(known.values(), default=0.0):
        reason = f"coreml was the fastest here, but {unusable}"
        deployment.report(EngineEvent("engine_lost", reason, speeds.fastest))
    return replace(search, backend=speeds.fastest), speeds


def _unusable(model: Model, deployment: Deployment | None) -> str:
    """Why this machine cannot run an export of `model`; empty if it can."""
    if deployment is None or sys.platform != "darwin":
        return "it needs macOS and an export"
    try:
        current_manifest(model, deployment.folder)
    except ExportError as error:
        return str(error)
    return ""


def _load_backend(name: ModelBackend) -> BackendFactory:
    """Load the `BACKEND` of the module `mlx_muzero.backends.NAME`."""
    backend: BackendFactory = import_module(f"mlx_muzero.backends.{name}").BACKEND
    return backend


def _model_backend(search: SearchConfig) -> BackendFactory | None:
    """The backend named by `search.backend`; None if it runs an export, or is not settled."""
    return next((_load_backend(name) for name in BACKENDS if name == search.backend), None)


def _represents(name: ModelBackend, model: Model) -> bool:
    try:
        if isinstance(model, FactoredModel):
            _load_backend(name).market(model, 1)
        else:
            _load_backend(name).evaluator(model)
    except SearchError:
        return False
    return True
