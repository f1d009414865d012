"""Reads a saved asset in a process of its own, which the library may end over a damaged file."""

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mlx_muzero.coreai.functions import Function, Operation
from mlx_muzero.errors import ExportError
from mlx_muzero.processes.isolated_call import CallFailed, call_in_child

LIMIT_S = 120.0
"""Time limit for reading an asset, which usually takes a second."""

_CONSTANTS = "constants.npz"


def read_apart(asset: Path) -> dict[str, Function]:
    """Read all functions of a saved asset, by name, in another process.

    Raises:
        ExportError: it cannot be read.
    """
    with tempfile.TemporaryDirectory() as folder:
        arguments = {"asset": str(asset), "folder": folder}
        try:
            found = call_in_child("mlx_muzero.coreai.reading:read_into", arguments, LIMIT_S)
        except CallFailed as failed:
            raise ExportError(f"{asset}: cannot read it ({failed}). Export again.") from failed
        with np.load(Path(folder, _CONSTANTS), allow_pickle=False) as arrays:
            constants = dict(arrays)
    return {name: _function(values, constants) for name, values in found.items()}


def read_into(asset: str, folder: str) -> dict[str, Any]:
    """Read an asset; return its functions as JSON values, and save their constants, each once.

    Errors are those of `mlx_muzero.coreai.assets.read_functions`.
    """
    from mlx_muzero.coreai.assets import read_functions

    constants: dict[str, npt.NDArray[Any]] = {}
    found = {}
    for name, function in read_functions(Path(asset)).items():
        digests = {}
        for tensor, array in function.constants.items():
            digests[tensor] = digest = _digest(array)
            constants[digest] = array
        found[name] = asdict(function) | {"constants": digests}
    np.savez(Path(folder, _CONSTANTS), allow_pickle=False, **constants)
    return found


def _digest(array: npt.NDArray[Any]) -> str:
    found = hashlib.sha256(f"{array.dtype.str} {array.shape} ".encode())
    found.update(array.tobytes())
    return found.hexdigest()


def _function(values: Mapping[str, Any], constants: Mapping[str, npt.NDArray[Any]]) -> Function:
    return Function(
        inputs={name: tuple(shape) for name, shape in values["inputs"].items()},
        outputs={
            name: (tuple(shape), tensor) for name, (shape, tensor) in values["outputs"].items()
        },
        operations=tuple(
            Operation(**op | {"operands": tuple(op["operands"]), "shape": tuple(op["shape"])})
            for op in values["operations"]
        ),
        constants={tensor: constants[digest] for tensor, digest in values["constants"].items()},
    )
