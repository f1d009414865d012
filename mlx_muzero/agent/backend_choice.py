"""The backends that compute a model for a search, and the choice of the fastest one here."""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from importlib import import_module
from typing import TypeVar, get_args

import mlx.core as mx
import numpy as np

from mlx_muzero.agent.backend_speeds import BackendSpeeds, SpeedKey, outdated, recall
from mlx_muzero.backends.backend import BackendFactory, ModelEvaluator
from mlx_muzero.backends.roots import ModelRoots, Roots
from mlx_muzero.config.choices import (
    Backend,
    ConcreteBackend,
    ExportBackend,
    ModelBackend,
    Precision,
    PrecisionChoice,
)
from mlx_muzero.config.schema import SearchConfig
from mlx_muzero.errors import ConfigError, ExportError, SearchError
from mlx_muzero.exports.deployment import Deployment, EngineEvent, compute_units
from mlx_muzero.exports.evaluator import ExportedEvaluator, ExportedMarket, ExportedRoots
from mlx_muzero.exports.formats import format_named
from mlx_muzero.exports.played_export import current_manifest
from mlx_muzero.exports.program import PLAYS, usual_root
from mlx_muzero.kernel_choice import kernels_here
from mlx_muzero.machine import performance_cores
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.networks.kinds import Model
from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.search.expectimax import depth_within
from mlx_muzero.search.market_evaluator import MarketEvaluator
from mlx_muzero.search.params import SearchParams
from mlx_muzero.search.search import Search

AName = TypeVar("AName", bound=str)

BACKENDS: tuple[ModelBackend, ...] = get_args(ModelBackend)
"""Backends that need nothing but a model."""

_NAMED = " or ".join(f'"{name}"' for name in BACKENDS)
"""The same in words."""

_PLAYED = tuple(name for name, play in PLAYS.items() if play.engine != "sim")
"""Backends that run an export and are no simulation."""

_ROOTS, _SIMULATIONS, _REPEATS = 16, 4, 3


def make_evaluator(
    model: StochasticMuZero, search: SearchConfig, deployment: Deployment | None = None
) -> ModelEvaluator:
    """Make the evaluator named by `search.backend`; `PLAYS` run an export of `deployment`.

    Raises:
        ConfigError: the backend is still "auto", or there is no export for it.
        SearchError: the backend cannot represent the model.
        ExportError: the export cannot be used, or is of other weights.
        EngineLost: the export's programs do not work here.
    """
    if own := _model_backend(search):
        return own.evaluator(model, computed_precision(search))
    return ExportedEvaluator(
        model,
        search.expansion,
        *_export_backend("backend", search.backend, deployment, collects=True),
        roots=search.root_backend == search.backend,
    )


def make_roots(
    model: StochasticMuZero,
    search: SearchConfig,
    evaluator: ModelEvaluator,
    deployment: Deployment | None = None,
) -> Roots:
    """Make what evaluates the roots, as `root_backend` says.

    Args:
        model: the networks.
        search: names the backends.
        evaluator: evaluates the leaves of `search`, and roots with them if their backend is one.
        deployment: the model's exports; errors are those of `make_evaluator`.
    """
    name = root_backend(search)
    if own := _model_backend(on_root := replace(search, backend=name)):
        shared = name == usual_root(search.backend)
        precision = computed_precision(on_root)
        heads = evaluator if shared else own.evaluator(model, precision)
        encoder = own.encoder(model, search_threads(on_root), precision)
        return ModelRoots(encoder, heads, shared=shared)
    if isinstance(evaluator, ExportedEvaluator) and name == search.backend:
        return ExportedRoots(evaluator)
    return ExportedRoots.alone(
        model, *_export_backend("root_backend", name, deployment, collects=False)
    )


def root_backend(search: SearchConfig) -> Backend:
    """The backend that evaluates the roots of `search`, which is settled.

    Where none was found to be the fastest, roots are evaluated as leaves are, by the model itself:
    where those run an export, MLX evaluates roots.
    """
    named = search.root_backend
    return usual_root(search.backend) if named == "auto" else named


def roots_run_alone(search: SearchConfig) -> bool:
    """Whether the roots of `search` have a child process of their own."""
    name = root_backend(search)
    return name in PLAYS and name != search.backend


def make_market(
    model: FactoredModel, search: SearchConfig, deployment: Deployment | None = None
) -> MarketEvaluator:
    """Make what computes the networks of `model`, as named by `search.backend`.

    Errors are those of `make_evaluator`.
    """
    if own := _model_backend(search):
        return own.market(model, search_threads(search), computed_precision(search))
    backend = _export_backend("backend", search.backend, deployment, collects=False)
    return ExportedMarket(model, *backend)


def _export_backend(
    key: str, backend: Backend, deployment: Deployment | None, *, collects: bool
) -> tuple[ExportBackend, Deployment]:
    """What plays an export, as `key` names it, and the exports.

    `collects` if training can collect with exports.

    Raises:
        ConfigError: the backend is still "auto", or there is no export for it.
    """
    if backend not in PLAYS:
        raise ConfigError(
            f'search.{key}: "auto" has not been settled yet; call '
            f"mlx_muzero.agent.backend_choice.settle, or name {_NAMED}"
        )
    if deployment is None:
        elsewhere = f', and "{backend}" as collect.backend' if collects else ""
        raise ConfigError(
            f'search.{key}: "{backend}" runs an export, which a model in training does not have; '
            f"name {_NAMED} here{elsewhere}"
        )
    return backend, deployment


def fallback(model: Model) -> ModelBackend:
    """The backend that replaces a failed export: the first of `BACKENDS` to support `model`."""
    return next(name for name in BACKENDS if _represents(name, model, "float32"))


def computed_precision(search: SearchConfig) -> Precision:
    """What `search.backend` computes in; float32 where it has no choice, and in training."""
    backend, named = _model_backend(search), trained_precision(search)
    return named if backend and named in backend.precisions else "float32"


def trained_precision(search: SearchConfig) -> Precision:
    """The precision that `search` names; "auto" chooses only where a run is played."""
    return "float32" if search.precision == "auto" else search.precision


def search_threads(search: SearchConfig) -> int:
    """Number of threads per search; 1 on a backend where more would wait for each other."""
    backend = _model_backend(search)
    if backend is None or not backend.threaded:
        return 1
    return search.threads or performance_cores()


def speed_key(model: Model, search: SearchConfig) -> SpeedKey:
    """The key under which this machine remembers the speeds of searches with `model`.

    Raises:
        ConfigError: the environment names compute units or kernels that there are not.
    """
    choices = model.account_states if isinstance(model, FactoredModel) else model.actions
    kernels = kernels_here(trained_precision(search)).name
    return SpeedKey.of(
        model.config, choices, model.outcomes, search, compute_units("coreml"), kernels
    )


def outdated_speeds(model: Model, search: SearchConfig) -> str:
    """Why an earlier profile does not settle what `search` leaves open.

    Empty if it does, or there is none, or nothing is left open that it would settle.
    """
    roots = search.root_backend == "auto" and not isinstance(model, FactoredModel)
    return outdated(speed_key(model, search)) if roots or search.backend == "auto" else ""


def measure(model: Model, search: SearchConfig) -> BackendSpeeds:
    """Run short searches of 16 roots with `model` on every backend, in a fraction of a second."""
    usable = (name for name in BACKENDS if _represents(name, model, trained_precision(search)))
    trials: dict[ConcreteBackend, Callable[[], int]]
    trials = {name: _trial(model, replace(search, backend=name)) for name in usable}
    return BackendSpeeds(_best_rates(trials))


def precision_speeds(
    model: Model, search: SearchConfig, precisions: Collection[Precision]
) -> dict[Precision, float]:
    """Leaves per second of the native backend in float32 and in `precisions`.

    Uses what ``mlx-muzero profile`` found on this machine for networks of this size, or else a
    short measurement, by turns.
    """
    own = {
        each: replace(search, backend="native", precision=each) for each in ("float32", *precisions)
    }
    profiled = {each: recall(speed_key(model, its)) for each, its in own.items()}
    known = {each: found.leaves_per_s.get("native") for each, found in profiled.items() if found}
    rates = {each: rate for each, rate in known.items() if rate is not None}
    if len(rates) == len(own):
        return rates
    return _best_rates({each: _trial(model, its) for each, its in own.items()})


def _best_rates(trials: Mapping[AName, Callable[[], int]]) -> dict[AName, float]:
    """The most leaves per second of each trial, which take turns."""
    rates = dict.fromkeys(trials, 0.0)
    for repeat in range(1 + _REPEATS):
        for name, evaluate in trials.items():
            start = time.perf_counter()
            rate = evaluate() / (time.perf_counter() - start)
            # The first run also allocates memory.
            rates[name] = max(rates[name], rate if repeat else 0.0)
    return rates


def _trial(model: Model, search: SearchConfig) -> Callable[[], int]:
    """Make a function that searches from 16 roots and returns the number of leaves evaluated."""
    model.eval()
    if isinstance(model, FactoredModel):
        return _market_trial(model, search)
    return _search_trial(model, search)


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
    """Make a function that reads ahead of 16 roots and returns the number of states evaluated.

    A search that reads no bar ahead evaluates the roots alone, which are counted then.
    """
    shape = (_ROOTS, model.window_bars, model.features)
    observation = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    market = make_market(model, search)
    depth = depth_within(search.num_simulations, model.outcomes, search.depth_limit)
    return lambda: market.ahead(observation, depth).states or _ROOTS


def settle(
    model: Model, search: SearchConfig, deployment: Deployment | None = None
) -> tuple[SearchConfig, BackendSpeeds]:
    """Replace "auto" in `search` by the fastest backends; also return the speeds of leaves.

    Uses what ``mlx-muzero profile`` found on this machine for networks of this size, or else a
    short measurement. Only a profile knows the backends that run an export, of which one is chosen
    only if `deployment` has that export of `model`; a simulation is never chosen. If the export
    that was fastest cannot be used, this is reported. Results depend on the backend in their last
    digits, so keep the settled configuration to repeat them.
    """
    key = speed_key(model, search)
    profiled = recall(key)
    rates = {} if profiled is None else profiled.leaves_per_s
    unusable = {name: _unusable(name, model, deployment) for name in _PLAYED if name in rates}
    usable: set[ConcreteBackend] = {
        name for name in BACKENDS if _represents(name, model, trained_precision(search))
    }
    if trained_precision(search) == "float32":  # exports have theirs
        usable |= {name for name, reason in unusable.items() if not reason}
    known = {name: rate for name, rate in rates.items() if name in usable}
    if profiled and known:
        speeds = replace(profiled, leaves_per_s=known)
    else:
        speeds = replace(measure(model, search), outdated=outdated(key))
    best = max(known.values(), default=0.0)
    lost = [name for name, reason in unusable.items() if reason and rates[name] > best]
    if deployment and lost:
        fastest = max(lost, key=rates.__getitem__)
        reason = f"{fastest} was the fastest here, but {unusable[fastest]}"
        deployment.report(EngineEvent("engine_lost", reason, speeds.fastest))
    return settle_roots(model, replace(search, backend=speeds.fastest), deployment), speeds


def asked_for(
    search: SearchConfig, backend: Backend | None, root_backend: Backend | None
) -> SearchConfig:
    """`search` on the backends that are named; roots suit the leaves unless they are named too."""
    roots = root_backend or ("auto" if backend else search.root_backend)
    return replace(search, backend=backend or search.backend, root_backend=roots)


def in_precision(search: SearchConfig, precision: PrecisionChoice) -> SearchConfig:
    """`search` with the products of its backend in `precision`.

    Raises:
        ConfigError: the backend has no choice.
    """
    if precision not in ("float32", "auto") and search.backend not in ("native", "auto"):
        raise ConfigError(
            f'search.precision: "{precision}" is computed by the native backend, and the backend '
            f"here is {search.backend}: add --backend native"
        )
    return replace(search, precision=precision)


def settled(model: Model, search: SearchConfig, deployment: Deployment) -> SearchConfig:
    """`search` with every "auto" settled (`settle`, `settle_roots`).

    Raises:
        ConfigError: roots of a factored model are named a backend.
    """
    if isinstance(model, FactoredModel) and search.root_backend != "auto":
        raise ConfigError(
            f'search.root_backend: "{search.root_backend}": a factored model evaluates its roots '
            "with the backend of everything else; name that alone"
        )
    if search.backend == "auto":
        return settle(model, search, deployment)[0]
    return settle_roots(model, search, deployment)


def settle_roots(
    model: Model, search: SearchConfig, deployment: Deployment | None = None
) -> SearchConfig:
    """Replace "auto" of the roots in `search` by what a profile found to be faster than the usual.

    It stays where there is no such profile, or the usual backend is the fastest that can be used.
    """
    profiled = None if isinstance(model, FactoredModel) else recall(speed_key(model, search))
    if search.root_backend != "auto" or profiled is None:
        return search
    usable = {
        name
        for name in profiled.roots_per_s
        if (name in BACKENDS and _represents(name, model, "float32"))
        or (name in _PLAYED and not _unusable(name, model, deployment))
    }
    usual = usual_root(search.backend)
    fastest = profiled.root_instead_of(usual, usable)
    return search if fastest == usual else replace(search, root_backend=fastest)


def _unusable(backend: ExportBackend, model: Model, deployment: Deployment | None) -> str:
    """Why this machine cannot play an export of `model` on `backend`; empty if it can."""
    play = PLAYS[backend]
    played = format_named(play.format)
    if deployment is None or (play.units or played.preferred_units) not in played.units_here():
        return f"it needs {played.system} and an export"
    try:
        current_manifest(model, deployment.folder(play.format), play.format)
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


def _represents(name: ModelBackend, model: Model, precision: Precision) -> bool:
    backend = _load_backend(name)
    if precision not in backend.precisions:
        return False
    try:
        if isinstance(model, FactoredModel):
            backend.market(model, 1, precision)
        else:
            backend.evaluator(model, precision)
    except SearchError:
        return False
    return True
