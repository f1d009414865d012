"""How far a factored model's programs and the model drift apart, each from its own latents."""

from collections.abc import Iterator

import mlx.core as mx
import numpy as np

from mlx_muzero.exports.drift import REPORTED_STEPS, drawn, latent_frac, mean
from mlx_muzero.exports.figures import Drift
from mlx_muzero.exports.program import ProgramSet
from mlx_muzero.exports.program_market import ProgramMarket
from mlx_muzero.exports.samples import Samples
from mlx_muzero.networks.factored import FactoredModel


def market_drift(programs: ProgramSet, model: FactoredModel, samples: Samples) -> Iterator[Drift]:
    """Let the same likely outcomes follow each other in `programs` and in `model`."""
    random, market = np.random.default_rng(1), ProgramMarket(programs, model)
    latent = model.representation(mx.array(samples.observation))
    own, row = market.roots(samples.observation), np.arange(len(samples))
    for steps in range(1, max(REPORTED_STEPS) + 1):
        probs = mx.softmax(model.outcome_logits(latent), axis=-1)
        outcome = drawn(probs, random)
        off = (own.move - np.array(model.moves(latent)))[row, outcome]
        latent = model.dynamics(latent, mx.array(outcome))
        own = market.successors(own.latent).of_rows(row * model.outcomes + outcome)
        if steps in REPORTED_STEPS:
            likely = mx.softmax(model.outcome_logits(latent), axis=-1)
            yield Drift(
                steps=steps,
                latent_frac=latent_frac(own.latent, latent),
                policy=mean(mx.abs(mx.array(own.outcome_probs) - likely).sum(axis=-1) / 2),
                value=mean(mx.abs(mx.array(own.worth) - model.worth(latent))),
                reward=float(np.abs(off).mean()),
            )
