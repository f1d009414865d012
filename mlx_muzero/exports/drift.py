"""How far programs and model drift apart when each continues from its own latents."""

from collections.abc import Iterator

import mlx.core as mx
import numpy as np

from mlx_muzero.exports.figures import Drift
from mlx_muzero.exports.interface import ExportSizes
from mlx_muzero.exports.program import ProgramSet
from mlx_muzero.exports.rows import call
from mlx_muzero.exports.samples import Samples
from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.trading.positions import ActionTable
from mlx_muzero.types import F32, I32

REPORTED_STEPS = (1, 5, 50)


def drift(
    programs: ProgramSet,
    sizes: ExportSizes,
    model: StochasticMuZero,
    table: ActionTable,
    samples: Samples,
) -> Iterator[Drift]:
    """Play the same legal actions and likely outcomes in `programs` and in `model`."""
    random = np.random.default_rng(1)
    position = samples.position
    latent = model.representation(mx.array(samples.observation))
    own = call(programs["initial"], "initial", sizes, {"observation": samples.observation})
    own_latent = own["latent"][:, 0]
    for steps in range(1, max(REPORTED_STEPS) + 1):
        legal = table.legal_mask(position)
        action = (legal * (1.0 - random.random(legal.shape))).argmax(axis=1).astype(np.int32)
        position = table.next_position[position, action]
        taken = mx.array(action)
        outcome = drawn(mx.softmax(model.outcome_logits(latent, taken), axis=-1), random)
        latent, reward = model.dynamics(latent, taken, mx.array(outcome))
        policy, value = mx.softmax(model.policy_logits(latent), axis=-1), model.value(latent)
        mx.eval(latent, reward, policy, value)
        own = _advanced(programs, sizes, own_latent, action, outcome)
        own_latent = own["next_latent"]
        if steps in REPORTED_STEPS:
            own_policy = mx.softmax(mx.array(own["policy_logits"]), axis=-1)
            own_value = model.support.decode(mx.array(own["value_logits"]))
            yield Drift(
                steps=steps,
                latent_frac=latent_frac(own_latent, latent),
                policy=mean(mx.abs(own_policy - policy).sum(axis=-1) / 2),
                value=mean(mx.abs(own_value - value)),
                reward=mean(mx.abs(mx.array(own["reward"][:, 0]) - reward)),
            )


def _advanced(
    programs: ProgramSet, sizes: ExportSizes, latent: F32, action: I32, outcome: I32
) -> dict[str, F32]:
    """The successor for one outcome, ``f32[n, channels]`` by output."""
    inputs = {"latent": latent, "action": np.eye(sizes.actions, dtype=np.float32)[action]}
    if "recurrent" in programs:
        out = call(programs["recurrent"], "recurrent", sizes, inputs)
        out.pop("outcome_logits")
        return {key: tensor[np.arange(len(outcome)), outcome] for key, tensor in out.items()}
    inputs["outcome"] = np.eye(sizes.outcomes, dtype=np.float32)[outcome]
    out = call(programs["dynamics"], "dynamics", sizes, inputs)
    return {key: tensor[:, 0] for key, tensor in out.items()}


def drawn(probabilities: mx.array, random: np.random.Generator) -> I32:
    """Outcomes ``i32[n]`` drawn from `probabilities` ``f32[n, C]``."""
    below = np.cumsum(np.asarray(probabilities), axis=1)
    draws = random.random((len(below), 1)) * below[:, -1:]
    return np.minimum((below < draws).sum(axis=1), below.shape[1] - 1).astype(np.int32)


def latent_frac(own: F32, latent: mx.array) -> float:
    """Mean distance of latents ``f32[n, D]`` divided by their length."""
    return mean(_length(mx.array(own) - latent) / _length(latent))


def _length(vectors: mx.array) -> mx.array:
    return mx.sqrt(mx.square(vectors).sum(axis=-1))


def mean(values: mx.array) -> float:
    """The mean of all `values`."""
    return float(np.mean(np.asarray(values)))
