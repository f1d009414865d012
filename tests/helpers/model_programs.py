"""Programs for a child process that are the MLX model, and fail when told to.

`load` stands in for `mlx_muzero.coreml.loading.load_program`; a deployment names it as its loader.
The export is one of `model_exports.export_model`, and `model_exports.break_programs` says what
fails.
"""

import json
import os
import signal
import sys
import time
from functools import cache

import mlx.core as mx
import numpy as np

from mlx_muzero.exports.manifest import Manifest
from mlx_muzero.networks.model import StochasticMuZero


def load(folder, entry, engine, compute_units):
    model = model_in(folder)
    fail_if_due(folder, {}, loading=True)

    def call(inputs):
        tensors = {name: mx.array(tensor[0, :, 0].T) for name, tensor in inputs.items()}
        outputs = PROGRAMS[entry.name](model, **tensors)
        return fail_if_due(
            folder, {name: np.array(array).T[None, :, None] for name, array in outputs.items()}
        )

    return call


@cache
def model_in(folder):
    export = Manifest.load(folder)
    model = StochasticMuZero(
        export.config.model,
        features=len(export.features),
        actions=len(export.actions),
        outcomes=len(export.outcomes),
        window_bars=export.config.market.window_bars,
    )
    model.load_weights(str(folder / "weights.safetensors"), strict=True)
    model.eval()
    return model


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


PROGRAMS = {"recurrent": recurrent, "afterstate": afterstate, "dynamics": dynamics}


def fail_if_due(folder, outputs, loading=False):
    """`outputs`, unless the fault in the export's folder is due."""
    file = folder / "fault.json"
    if not file.exists():
        return outputs
    fault = json.loads(file.read_text())
    if fault["loading"] != loading:
        return outputs
    due = fault["after"] == 0
    fault["times" if due else "after"] -= 1
    if fault["times"]:
        file.write_text(json.dumps(fault))
    else:
        file.unlink()
    return FAULTS[fault["fault"]](outputs) if due else outputs


def die(outputs):
    os.kill(os.getpid(), signal.SIGKILL)


def abort(outputs):
    print("E5RT: starting\nMLIR pass manager failed", file=sys.stderr)
    os.abort()


def hang(outputs):
    time.sleep(600)


def late(outputs):
    time.sleep(1.0)
    return outputs


def fail(outputs):
    raise RuntimeError("the engine says no")


def nan(outputs):
    return outputs | {"reward": np.full_like(outputs["reward"], np.nan)}


def one_row(outputs):
    return {name: array[..., :1] for name, array in outputs.items()}


def rows_reversed(outputs):
    return {name: array[..., ::-1] for name, array in outputs.items()}


FAULTS = {f.__name__: f for f in (die, abort, hang, late, fail, nan, one_row, rows_reversed)}
