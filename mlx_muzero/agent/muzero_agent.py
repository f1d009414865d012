"""The agent of a model of market and account: combines networks and search into decisions."""

from dataclasses import replace

import numpy as np

from mlx_muzero.agent.agent import Agent
from mlx_muzero.agent.backend_choice import (
    computed_precision,
    fallback,
    make_evaluator,
    make_roots,
    root_backend,
    roots_run_alone,
    search_threads,
)
from mlx_muzero.agent.moment import UNKNOWN, Moment
from mlx_muzero.backends.roots import Prediction
from mlx_muzero.backends.search_params import search_params
from mlx_muzero.config.choices import Backend, Precision
from mlx_muzero.config.schema import SearchConfig
from mlx_muzero.errors import EngineLost
from mlx_muzero.exports.deployment import Deployment, EngineEvent, warn
from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.search.result import SearchResult, TreeTable
from mlx_muzero.search.search import Search
from mlx_muzero.trading.account_states import AccountStates
from mlx_muzero.trading.limits import NO_LIMITS, Limits, RootStates
from mlx_muzero.types import F32, F64, I32, U64


class MuZeroAgent(Agent):
    """An `Agent` that plans with a model of market and account, for accounts with `states`.

    `search.backend` computes the networks of leaves and `search.root_backend` those of roots, with
    the weights `model` had when the agent was made or last refreshed. A backend that runs the
    export of `deployment` is permanently replaced by another if it is lost; the deployment's
    `report` is called, and the current plan starts over.

    Raises:
        ConfigError: the backend is "auto", which `mlx_muzero.agent.backend_choice.settle` replaces,
            or needs a deployment.
        SearchError: the backend cannot represent the model.
        ExportError: the deployment's export cannot be used, or is of other weights.
    """

    def __init__(
        self,
        model: StochasticMuZero,
        search: SearchConfig,
        states: AccountStates,
        outcomes: int,
        deployment: Deployment | None = None,
        limits: Limits = NO_LIMITS,
    ) -> None:
        self._model = model
        self._limits = limits
        self._root_states = RootStates(states, limits)
        self._outcomes = outcomes
        self._deployment = deployment
        self._report = warn if deployment is None else deployment.report
        self._evaluate_with(search)

    @property
    def backend(self) -> Backend:
        """The backend that evaluates leaves now."""
        return self._config.backend

    @property
    def root_backend(self) -> Backend:
        """The backend that evaluates roots now."""
        return root_backend(self._config)

    @property
    def precision(self) -> Precision:
        """The number format of that backend's large products."""
        return computed_precision(self._config)

    def refresh(self) -> None:
        """Plan with the model's current weights from now on; call after they change."""
        self._roots.refresh()
        self._evaluator.refresh()

    def close(self) -> None:
        """End other processes that evaluate; the agent cannot plan any more."""
        self._roots.close()
        self._evaluator.close()

    def predict(self, observation: F32) -> Prediction:
        """Run root inference on observations ``f32[B, W, F]``."""
        try:
            return self._roots(observation)
        except EngineLost as lost:
            if roots_run_alone(self._config):
                self._lose_roots(lost)
            else:
                self._fall_back(lost)
        return self.predict(observation)

    def network_action(self, observation: F32, account: I32, moment: Moment = UNKNOWN) -> I32:
        """``i32[B]`` the most probable legal action of the policy network, without search.

        `moment` is as in `plan`.
        """
        weights = self.network_weights(observation, account, moment)
        return weights.argmax(axis=1).astype(np.int32)

    def network_weights(self, observation: F32, account: I32, moment: Moment = UNKNOWN) -> F64:
        """``f64[B, A]`` probabilities of the policy network; minus infinity where illegal."""
        legal = self._root_states.legal[self._root(account, moment)]
        return np.where(legal, self.predict(observation).prior, -np.inf)

    def plan(
        self,
        observation: F32,
        account: I32,
        seed: U64,
        *,
        simulations: int,
        noise: bool,
        moment: Moment = UNKNOWN,
    ) -> SearchResult:
        """Search from observations ``f32[B, W, F]`` and account states ``i32[B]``.

        `seed` ``u64[B]`` seeds each root's random numbers; `noise` explores at the root, for
        collecting. `moment` is needed where limits change with time: the search keeps those in
        force at its roots; the networks know no others.
        """
        root, state = self.predict(observation), self._root(account, moment)
        try:
            return self._search(simulations).run(
                self._evaluator, root.latent, root.prior, root.value, state, seed, noise
            )
        except EngineLost as lost:
            # Start over from the root, so that one backend computes a plan from beginning to end.
            self._fall_back(lost)
        return self.plan(
            observation, account, seed, simulations=simulations, noise=noise, moment=moment
        )

    def tree(self, root: int, *, simulations: int) -> TreeTable:
        """The tree of `root` in the last plan, which must have had as many simulations."""
        return self._search(simulations).tree(root)

    def _root(self, account: I32, moment: Moment) -> I32:
        """``i32[B]`` rows of the root states."""
        stage = self._limits.stages(account.shape, moment.minute, moment.bar)
        return self._root_states.of(account, stage)

    def _evaluate_with(self, search: SearchConfig) -> None:
        self._use_leaves(search)
        self._use_roots()

    def _use_leaves(self, search: SearchConfig) -> None:
        self._config = search
        self._threads = search_threads(search)
        self._searches: dict[int, Search] = {}
        try:
            self._evaluator = make_evaluator(self._model, search, self._deployment)
        except EngineLost as lost:
            self._use_leaves(self._without_leaves(lost))

    def _use_roots(self) -> None:
        try:
            self._roots = make_roots(self._model, self._config, self._evaluator, self._deployment)
        except EngineLost as lost:
            self._lose_roots(lost)

    def _fall_back(self, lost: EngineLost) -> None:
        """Replace what evaluates leaves, and roots unless they have a process of their own."""
        alone = roots_run_alone(self._config)
        self._use_leaves(self._without_leaves(lost))
        if not alone:
            self._use_roots()

    def _without_leaves(self, lost: EngineLost) -> SearchConfig:
        """The search on another backend, with the roots if those were on the one that was lost.

        Exports choose no precision, and what replaces them keeps to float32, as journals say.
        """
        backend, roots = fallback(self._model), self._config.root_backend
        self._report(EngineEvent("engine_lost", str(lost), backend))
        roots = "auto" if roots == self._config.backend else roots
        return replace(self._config, backend=backend, root_backend=roots, precision="float32")

    def _lose_roots(self, lost: EngineLost) -> None:
        """Replace what evaluates roots in a process of their own."""
        self._config = replace(self._config, root_backend="auto")
        self._report(EngineEvent("engine_lost", str(lost), root_backend=self.root_backend))
        self._use_roots()

    def _search(self, simulations: int) -> Search:
        """The searcher for this number of simulations; keeps its arena between calls."""
        if simulations not in self._searches:
            params = search_params(self._config, simulations)
            self._searches[simulations] = Search(
                params, self._root_states.next_state, self._outcomes, self._threads
            )
        return self._searches[simulations]
