"""Programs for a child process that are the MLX model, and fail when told to.

`load` stands in for a format's `load_program`; a deployment names it as its loader.
The export is one of `model_exports.export_model`, and `model_exports.break_programs` says what
fails.
"""

from functools import cache

import mlx.core as mx
import numpy as np

from mlx_muzero.exports.manifest import Manifest
from mlx_muzero.exports.weights import model_of
from program_faults import fail_if_due


def load(folder, entry, engine, compute_units):
    model = model_in(folder)
    fail_if_due(folder, {}, loading=True)

    def call(inputs):
        tensors = {name: mx.array(as_rows(name, tensor)) for name, tensor in inputs.items()}
        outputs = PROGRAMS[entry.name](model, **tensors)
        return fail_if_due(
            folder, {name: np.array(array).T[None, :, None] for name, array in outputs.items()}
        )

    return call


def as_rows(name, tensor):
    """A program's input with the rows first."""
    return tensor[0].transpose(1, 2, 0) if name == "observation" else tensor[0, :, 0].T


@cache
def model_in(folder):
    weights = mx.load(str(folder / "weights.safetensors"))
    return model_of(weights, Manifest.load(folder).sizes)


def initial(model, observation):
    latent = model.representation(observation)
    return {
        "latent": latent,
        "policy_logits": model.policy_logits(latent),
        "value_logits": model.value_logits(latent),
    }


def recurrent(model, latent, action):
    taken = mx.argmax(action, axis=1)
    columns = [
        dynamics(model, latent, action, mx.eye(model.outcomes)[mx.full(len(latent), c)])
        for c in range(model.outcomes)
    ]
    return {"outcome_logits": model.outcome_logits(latent, taken)} | {
        name: mx.concatenate([column[name] for column in columns]) for name in columns[0]
    }


def afterstate(model, latent, action):
    taken = mx.argmax(action, axis=1)
    return {
        "outcome_logits": model.outcome_logits(latent, taken),
        "value_logits": model.value_logits(model.afterstate(latent, taken)),
    }


def dynamics(model, latent, action, outcome):
    after, reward = model.dynamics(latent, mx.argmax(action, axis=1), mx.argmax(outcome, axis=1))
    return {
        "next_latent": after,
        "reward": reward[:, None],
        "policy_logits": model.policy_logits(after),
        "value_logits": model.value_logits(after),
    }


def root(model, observation):
    latent = model.representation(observation)
    return {"latent": latent, **seen(model, latent)}


def step(model, latent):
    after = [
        model.dynamics(latent, mx.full(len(latent), c, mx.int32)) for c in range(model.outcomes)
    ]
    after = mx.concatenate(after)
    return {"next_latent": after, **seen(model, after)}


def seen(model, latent):
    return {
        "outcome_logits": model.outcome_logits(latent),
        "move": model.moves(latent) / model.usual.move_pips,
        "worth": model.worth(latent) / model.worth_pips,
    }


PROGRAMS = {
    "initial": initial,
    "recurrent": recurrent,
    "afterstate": afterstate,
    "dynamics": dynamics,
    "root": root,
    "step": step,
}
