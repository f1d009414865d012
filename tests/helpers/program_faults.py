"""How programs in a child process fail when told to, by `model_exports.break_programs`.

`load_core_ai` loads a Core AI export for Apple's runtime, for a deployment that names it as its
loader; `model_programs` does the same with the MLX model.
"""

import json
import os
import signal
import sys
import time

import numpy as np

from mlx_muzero.coreai.loading import load_program

LOAD_CORE_AI = "program_faults:load_core_ai"


def load_core_ai(folder, entry, engine, compute_units):
    """The program of a Core AI export in Apple's runtime, failing in the same way when told to."""
    fail_if_due(folder, {}, loading=True)
    program = load_program(folder, entry, engine, compute_units)
    return lambda inputs: fail_if_due(folder, program(inputs))


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
    name = next(name for name in ("reward", "worth", "latent") if name in outputs)
    return outputs | {name: np.full_like(outputs[name], np.nan)}


def one_row(outputs):
    return {name: array[..., :1] for name, array in outputs.items()}


def rows_reversed(outputs):
    return {name: array[..., ::-1] for name, array in outputs.items()}


FAULTS = {f.__name__: f for f in (die, abort, hang, late, fail, nan, one_row, rows_reversed)}
