"""The host's side of a factored model's programs: rows in, states in pips out."""

import mlx.core as mx
import numpy as np

from mlx_muzero.exports.program import ProgramSet
from mlx_muzero.exports.program_evaluator import probabilities
from mlx_muzero.exports.rows import call
from mlx_muzero.exports.weights import sizes_of
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.networks.market_networks import fade
from mlx_muzero.search.expectimax import MarketLayer
from mlx_muzero.search.market_evaluator import UNTOLD, KnownAhead, MarketAhead, MarketStates
from mlx_muzero.types import F32


class ProgramMarket:
    """A `MarketEvaluator` that calls programs, once a bar ahead.

    Rows are padded with zeros to a program's fixed number, or spread over several calls. What is
    measured beside the networks, pips and the market chain, is the model's.
    """

    def __init__(self, programs: ProgramSet, model: FactoredModel) -> None:
        """Make an evaluator of the programs `root` and `step` of `model`."""
        self._programs = programs
        self._model = model
        self._sizes = sizes_of(model)
        self._pips = float(model.usual.move_pips), float(model.worth_pips)
        self._usual = model.known.usual_row()

    def refresh(self) -> None:
        """Does nothing: programs never change."""

    def close(self) -> None:
        """Does nothing: whoever loaded the programs ends them."""

    def roots(self, observation: F32, known: F32 | None = None) -> MarketStates:
        """The states that observations ``f32[B, W, F]`` show."""
        market = observation[..., : self._sizes.features]
        told = self._told(known, len(market))
        inputs = {"observation": market, "known": told}
        out = call(self._programs["root"], "root", self._sizes, inputs)
        return self._states(out, "latent", told)

    def successors(self, latent: F32, known: F32 | None = None) -> MarketStates:
        """The states one bar after latents ``f32[n, D]``, ``n * C`` rows."""
        told = self._told(known, len(latent))
        inputs = {"latent": latent, "known": told}
        out = call(self._programs["step"], "step", self._sizes, inputs)
        return self._states(out, "next_latent", told)

    def ahead(self, observation: F32, depth: int, known: KnownAhead = UNTOLD) -> MarketAhead:
        """All states to `depth` below observations ``f32[B, W, F]``."""
        states, layers = self.roots(observation, known.now), []
        root_worth = states.worth.astype(np.float64)
        for _ in range(depth):
            layers.append(MarketLayer(states.outcome_probs, states.move))
            later, each = known.later, len(states.latent) // len(observation)
            told = None if later is None else np.repeat(later, each, axis=0)
            states = self.successors(states.latent, told)
        return MarketAhead(layers, states.worth.astype(np.float64), states.cluster, root_worth)

    def _told(self, known: F32 | None, rows: int) -> F32:
        """``f32[rows, I]`` what the worth head is told."""
        return np.repeat(self._usual, rows, axis=0) if known is None else known

    def _states(self, out: dict[str, F32], latent: str, told: F32) -> MarketStates:
        """States from outputs ``f32[n, k, channels]``, n * k rows; `told` is ``f32[n, I]``."""
        each = out[latent].shape[1]
        rows = {name: tensor.reshape(-1, tensor.shape[-1]) for name, tensor in out.items()}
        move_pips, worth_pips = map(np.float32, self._pips)
        probs, move = probabilities(rows["outcome_logits"]), rows["move"] * move_pips
        worth = rows["worth"] * worth_pips * self._fade(np.repeat(told, each, axis=0))
        usual = rows.get("usual_worth", rows["worth"]) * worth_pips * self._fade(self._usual)
        summary = self._model.summarized(*map(mx.array, (probs, move, usual)))
        cluster = np.array(self._model.chain.nearest(summary))
        return MarketStates(rows[latent], probs, move, worth, cluster)

    def _fade(self, told: F32) -> F32:
        return np.array(fade(self._model.known, mx.array(told)))
