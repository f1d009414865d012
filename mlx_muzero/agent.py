"""The agent: networks and search joined into decisions for B accounts at once."""

from dataclasses import dataclass

import mlx.core as mx
import numpy as np

from mlx_muzero.backends import make_evaluator, search_threads
from mlx_muzero.config import SearchConfig
from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.search.params import SearchParams
from mlx_muzero.search.result import SearchResult, TreeTable
from mlx_muzero.search.search import Search
from mlx_muzero.trading.positions import ActionTable
from mlx_muzero.types import F32, I32, U64


@dataclass(frozen=True, eq=False)
class Prediction:
    """The networks' view of B observations, without search.

    Attributes:
      latent: ``[B, D]``.
      prior: ``f32[B, A]`` policy probabilities, illegal actions included.
      value: ``f32[B]``.
    """

    latent: mx.array
    prior: F32
    value: F32


class Agent:
    """Plans with `model` under the rules of `table`; holds no state between decisions.

    `search.backend` evaluates latents, with the weights `model` had when the agent was made or last
    refreshed; observations become latents in `model` itself.

    Raises:
      ConfigError: the backend is "auto", which `mlx_muzero.backends.settle` replaces.
      SearchError: the backend cannot represent the model.
    """

    def __init__(
        self, model: StochasticMuZero, search: SearchConfig, table: ActionTable, outcomes: int
    ) -> None:
        self._model = model
        self._config = search
        self._table = table
        self._outcomes = outcomes
        self._evaluator = make_evaluator(model, search)
        self._threads = search_threads(search)
        self._searches: dict[int, Search] = {}

    def refresh(self) -> None:
        """Plan with the model's present weights: call it after they changed."""
        self._evaluator.refresh()

    def predict(self, observation: F32) -> Prediction:
        """Root inference on observations ``f32[B, W, F]``."""
        self._model.eval()
        latent = self._model.representation(mx.array(observation))
        return Prediction(latent, *self._evaluator.predict(latent))

    def plan(
        self, observation: F32, position: I32, seed: U64, *, simulations: int, noise: bool
    ) -> SearchResult:
        """Search from observations ``f32[B, W, F]`` and positions ``i32[B]``.

        `seed` ``u64[B]`` names each root's random numbers; `noise` explores at the root, for
        collecting.
        """
        root = self.predict(observation)
        search = self._search(simulations)
        return search.run(
            self._evaluator, root.latent, root.prior, root.value, position, seed, noise
        )

    def explain(
        self, observation: F32, position: I32, *, simulations: int
    ) -> tuple[SearchResult, TreeTable]:
        """One decision without noise, from ``f32[1, W, F]`` and ``i32[1]``, and its whole tree."""
        seed = np.zeros(1, np.uint64)
        result = self.plan(observation, position, seed, simulations=simulations, noise=False)
        return result, self._search(simulations).tree(0)

    def _search(self, simulations: int) -> Search:
        """The searcher for that many simulations, with its arena kept from call to call."""
        if simulations not in self._searches:
            params = SearchParams.from_config(self._config, simulations)
            self._searches[simulations] = Search(
                params, self._table.next_position, self._outcomes, self._threads
            )
        return self._searches[simulations]
