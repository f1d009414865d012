"""What is timed of a backend: calls of its networks, and decisions as an agent makes them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import mlx.core as mx
import numpy as np

from mlx_muzero.agent.backend_choice import (
    make_evaluator,
    make_market,
    make_roots,
    search_threads,
)
from mlx_muzero.agent.factored_agent import FactoredAgent
from mlx_muzero.agent.moment import Moment
from mlx_muzero.backends.search_params import search_params
from mlx_muzero.config.choices import ConcreteBackend, Precision
from mlx_muzero.config.schema import SearchConfig
from mlx_muzero.exports.weights import sizes_of
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.networks.kinds import Model
from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.profiling.leaves import some_leaves
from mlx_muzero.profiling.subject import Subject
from mlx_muzero.search.evaluator import Leaves
from mlx_muzero.search.search import Search
from mlx_muzero.types import F32


class Player(Protocol):
    """A subject on one backend, loaded and ready."""

    def expander(self, count: int) -> Callable[[], object]:
        """Make a function that evaluates what follows `count` leaves, or market states."""
        ...

    def decider(self, pairs: int, simulations: int) -> Callable[[], int]:
        """Make a function that decides for `pairs` pairs and returns the number of leaves.

        Without simulations the networks alone decide, all of them on this backend. With a search,
        roots of a model of market and account are evaluated as is usual for its leaves.
        """
        ...

    def close(self) -> None:
        """Stop the child process, if any."""
        ...


def player(
    subject: Subject, backend: ConcreteBackend, precision: Precision | None = None
) -> Player:
    """The model of `subject` on `backend`, in its own precision or in another.

    Raises:
        MuZeroError: it cannot play here.
    """
    search = subject.search_on(backend, precision)
    if isinstance(subject.model, FactoredModel):
        return _FactoredPlayer(subject, subject.model, search)
    return _MuZeroPlayer(subject, subject.model, search)


class _MuZeroPlayer:
    """Searches with a model of market and account."""

    def __init__(self, subject: Subject, model: StochasticMuZero, search: SearchConfig) -> None:
        self._model, self._table = model, subject.table
        exports = subject.deployment
        own = replace(search, root_backend=search.backend)
        self._config = replace(search, root_backend="auto")
        self._evaluator = make_evaluator(model, own, exports)
        self._own_roots = make_roots(model, own, self._evaluator, exports)
        self._usual_roots = make_roots(model, self._config, self._evaluator, exports)

    def close(self) -> None:
        self._evaluator.close()

    def expander(self, count: int) -> Callable[[], object]:
        evaluator, model = self._evaluator, self._model
        leaves = some_leaves(model, self._config.expansion, count)
        roots = np.arange(count, dtype=np.int32)
        evaluator.reset(mx.array(_latents(model, count)), roots, count * (1 + model.outcomes))

        def expand() -> object:
            if isinstance(leaves, Leaves):
                return evaluator.expand(leaves)
            return evaluator.expand_single(leaves)

        return expand

    def decider(self, pairs: int, simulations: int) -> Callable[[], int]:
        model, evaluator = self._model, self._evaluator
        observation = _windows(model, pairs)
        own_roots, usual_roots = self._own_roots, self._usual_roots
        flat, seed = np.zeros(pairs, np.int32), np.arange(pairs, dtype=np.uint64)

        def infer() -> int:
            mx.eval(own_roots(observation).latent)
            return 0

        def plan() -> int:
            root = usual_roots(observation)
            result = search.run(
                evaluator, root.latent, root.prior, root.value, flat, seed, noise=False
            )
            return int(result.statistics.leaves.sum())

        if not simulations:
            return infer
        search = Search(
            search_params(self._config, simulations),
            self._table.next_position,
            model.outcomes,
            search_threads(self._config),
        )
        return plan


class _FactoredPlayer:
    """Decides over a model of the market alone; a leaf is a market state."""

    def __init__(self, subject: Subject, model: FactoredModel, search: SearchConfig) -> None:
        self._model = model
        self._market = make_market(model, search, subject.deployment)
        self._agent = FactoredAgent(model, search, subject.rules, market=self._market)

    def close(self) -> None:
        self._market.close()

    def expander(self, count: int) -> Callable[[], object]:
        latents = _latents(self._model, count)
        return lambda: self._market.successors(latents)

    def decider(self, pairs: int, simulations: int) -> Callable[[], int]:
        observation, agent = _windows(self._model, pairs), self._agent
        flat, seed = np.zeros(pairs, np.int32), np.arange(pairs, dtype=np.uint64)
        moment = Moment(np.zeros(pairs, np.int64), np.zeros(pairs, np.int64))

        def infer() -> int:
            agent.network_action(observation, flat, moment)
            return 0

        def plan() -> int:
            result = agent.plan(
                observation, flat, seed, simulations=simulations, noise=False, moment=moment
            )
            return int(result.statistics.evaluations.sum())

        return plan if simulations else infer


def _latents(model: Model, count: int) -> F32:
    shape = (count, sizes_of(model).latent_width)
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def _windows(model: Model, count: int) -> F32:
    shape = (count, model.window_bars, model.features)
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)
