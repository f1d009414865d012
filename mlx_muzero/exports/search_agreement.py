"""Whether searches with programs choose the same actions as searches with the model."""

from collections.abc import Callable

import mlx.core as mx
import numpy as np

from mlx_muzero.backends.mlx import MlxEvaluator
from mlx_muzero.backends.mlx_market import MlxMarket
from mlx_muzero.backends.search_params import search_params
from mlx_muzero.config.schema import SearchConfig
from mlx_muzero.exports.figures import Agreement, Disagreement
from mlx_muzero.exports.interface import ExportSizes
from mlx_muzero.exports.program import ProgramSet
from mlx_muzero.exports.program_evaluator import ProgramEvaluator
from mlx_muzero.exports.program_market import ProgramMarket
from mlx_muzero.exports.samples import Samples
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.search.market_evaluator import MarketEvaluator
from mlx_muzero.search.result import SearchResult
from mlx_muzero.search.search import Search
from mlx_muzero.trading.positions import ActionTable

SIMULATIONS = 25
"""Of each search, or market states that a decision over a factored model may evaluate."""


Agrees = Callable[[ProgramSet], Agreement]
"""Compares the decisions of programs with those of the model, which were made before."""


def search_agreement(
    model: StochasticMuZero,
    sizes: ExportSizes,
    config: SearchConfig,
    table: ActionTable,
    samples: Samples,
) -> Agrees:
    """Search from every sample; programs start from their own root inference."""
    search = Search(search_params(config, SIMULATIONS), table.next_position, sizes.outcomes)
    seed = np.zeros(len(samples), np.uint64)
    latent = model.representation(mx.array(samples.observation))
    model_evaluator = MlxEvaluator(model)
    prior, value = model_evaluator.predict(latent)
    model_result = search.run(
        model_evaluator, latent, prior, value, samples.position, seed, noise=False
    )

    def agrees(programs: ProgramSet) -> Agreement:
        evaluator = ProgramEvaluator(programs, sizes)
        own_latent, prior, value = evaluator.infer(samples.observation)
        own_result = search.run(
            evaluator, own_latent, prior, value, samples.position, seed, noise=False
        )
        return _compared(model_result, own_result)

    return agrees


Decide = Callable[[MarketEvaluator], SearchResult]
"""Decides in the same situations, over a market that the given evaluator computes."""


def market_agreement(model: FactoredModel, decide: Decide) -> Agrees:
    """Decide in every situation over what programs compute, and over what the model does."""
    model_result = decide(MlxMarket(model))
    return lambda programs: _compared(model_result, decide(ProgramMarket(programs, model)))


def _compared(model_result: SearchResult, own_result: SearchResult) -> Agreement:
    """The decisions of the model's search next to those of the programs'."""
    rows = np.flatnonzero(model_result.action != own_result.action)
    one, other = model_result.action[rows], own_result.action[rows]
    visits = model_result.visits[rows, one] - model_result.visits[rows, other]
    q = model_result.q[rows, one] - model_result.q[rows, other]
    return Agreement(
        simulations=SIMULATIONS,
        decisions=len(model_result.action),
        value=float(np.abs(own_result.value - model_result.value).mean()),
        disagreements=tuple(Disagreement(int(v), float(d)) for v, d in zip(visits, q, strict=True)),
    )
