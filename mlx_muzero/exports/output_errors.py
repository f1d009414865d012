"""Compares every output of every program with the model, on the same inputs."""

from collections.abc import Iterator

import mlx.core as mx
import numpy as np

from mlx_muzero.exports.figures import OutputError
from mlx_muzero.exports.interface import ExportSizes, ProgramName
from mlx_muzero.exports.program import ProgramSet
from mlx_muzero.exports.rows import call
from mlx_muzero.exports.samples import Samples
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.networks.kinds import Model
from mlx_muzero.networks.layers import one_hot
from mlx_muzero.networks.market_networks import fade
from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.types import F32

MOST_CALLS = 32
"""Of a program; the first samples are enough for one that takes a row at a time."""

Arrays = dict[str, F32]


def output_errors(
    programs: ProgramSet, sizes: ExportSizes, model: Model, samples: Samples
) -> Iterator[OutputError]:
    """Yield the errors of `programs` on `samples`, for each of their numbers of rows."""
    for name, by_rows in programs.items():
        if isinstance(model, FactoredModel):
            inputs, wanted = _market_reference(name, model, samples)
        else:
            inputs, wanted = _reference(name, model, samples)
        found = []
        for rows, program in by_rows.items():
            some = {key: array[: MOST_CALLS * rows] for key, array in inputs.items()}
            found.append(call({rows: program}, name, sizes, some))
        for output, reference in wanted.items():
            errors = [
                np.abs(tensors[output] - reference[: len(tensors[output])]) for tensors in found
            ]
            yield OutputError(
                program=name,
                output=output,
                largest=float(np.abs(reference).max()),
                worst=float(np.max([error.max() for error in errors])),
                typical=float(np.max([np.sqrt(np.square(error).mean()) for error in errors])),
            )


def _reference(
    name: ProgramName, model: StochasticMuZero, samples: Samples
) -> tuple[Arrays, Arrays]:
    """Inputs ``f32[n, ...]`` of a program and the model's outputs ``f32[n, k, channels]``."""
    action, outcome = mx.array(samples.action), mx.array(samples.outcome)
    latent = model.representation(mx.array(samples.observation))
    inputs = {"latent": latent, "action": one_hot(action, model.actions)}
    if name == "initial":
        inputs = {"observation": mx.array(samples.observation)}
        outputs = {"latent": latent, **_prediction(model, latent)}
    elif name == "afterstate":
        afterstate = model.afterstate(latent, action)
        outputs = {
            "outcome_logits": model.outcome_logits(latent, action),
            "value_logits": model.value_logits(afterstate),
        }
    elif name == "dynamics":
        inputs["outcome"] = one_hot(outcome, model.outcomes)
        outputs = _successor(model, latent, action, outcome)
    else:
        each = [
            _successor(model, latent, action, mx.full(action.shape, c, mx.int32))
            for c in range(model.outcomes)
        ]
        outputs = {output: mx.stack([one[output] for one in each], axis=1) for output in each[0]}
        outputs["outcome_logits"] = model.outcome_logits(latent, action)
    return _as_rows(inputs, outputs, len(samples))


def _market_reference(
    name: ProgramName, model: FactoredModel, samples: Samples
) -> tuple[Arrays, Arrays]:
    """The same of a factored model."""
    observation = mx.array(samples.observation[..., : model.features])
    latent = model.representation(observation)
    known = mx.array(model.known.spread_rows(len(samples)))
    if name == "root":
        inputs = {"observation": observation, "known": known}
        outputs = {"latent": latent, **_market(model, latent, known)}
        return _as_rows(inputs, outputs, len(samples))
    outcomes = [mx.full(len(samples), c, mx.int32) for c in range(model.outcomes)]
    following = mx.stack([model.dynamics(latent, outcome) for outcome in outcomes], axis=1)
    following = following.reshape(-1, latent.shape[1])
    told = mx.repeat(known, model.outcomes, axis=0)
    outputs = {"next_latent": following, **_market(model, following, told)}
    return _as_rows({"latent": latent, "known": known}, outputs, len(samples))


def _market(model: FactoredModel, latent: mx.array, known: mx.array) -> dict[str, mx.array]:
    def worth(told: mx.array) -> mx.array:
        return model.worth(latent, told) / (model.worth_pips * fade(model.known, told))

    usual = {"usual_worth": worth(mx.array(model.known.usual_row()))}
    return {
        "outcome_logits": model.outcome_logits(latent),
        "move": model.moves(latent) / model.usual.move_pips,
        "worth": worth(known),
        **(usual if model.known.columns else {}),
    }


def _as_rows(
    inputs: dict[str, mx.array], outputs: dict[str, mx.array], count: int
) -> tuple[Arrays, Arrays]:
    """The same in NumPy; outputs ``f32[n, k, channels]``."""
    mx.eval(inputs, outputs)
    return (
        {key: np.asarray(array) for key, array in inputs.items()},
        {
            key: np.asarray(array).reshape(count, -1, array.shape[-1])
            for key, array in outputs.items()
        },
    )


def _successor(
    model: StochasticMuZero, latent: mx.array, action: mx.array, outcome: mx.array
) -> dict[str, mx.array]:
    following, reward = model.dynamics(latent, action, outcome)
    return {"next_latent": following, "reward": reward[:, None], **_prediction(model, following)}


def _prediction(model: StochasticMuZero, latent: mx.array) -> dict[str, mx.array]:
    return {
        "policy_logits": model.policy_logits(latent),
        "value_logits": model.value_logits(latent),
    }
