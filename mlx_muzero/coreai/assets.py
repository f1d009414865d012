"""Reads the functions of a saved asset back, operation by operation."""

import os
import re
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mlx_muzero.coreai.functions import Function, Operation
from mlx_muzero.coreai.graphs import HELD, NAME
from mlx_muzero.coreai.toolkit import authoring as ca
from mlx_muzero.coreai.toolkit import ir
from mlx_muzero.exports.interface import Shape
from mlx_muzero.files.regular import descriptor

PROGRAM = "main.mlirb"
"""The file of an asset that holds its functions."""

_PREFIXES = ("coreai.", "decomposable.", "broadcasting_")
_PLUMBING = frozenset({"create_token", "output"})
"""Operations that compute nothing."""

_RESOURCE = re.compile(r'^ *(\w+): "0x([0-9A-F]+)"', re.MULTILINE)
_ALIGNMENT_BYTES = 4
"""Length of the number before the data of a resource."""

_DTYPES = {"f16": np.float16, "f32": np.float32, "si8": np.int8}


def read_functions(asset: Path) -> dict[str, Function]:
    """Read all functions of a saved asset, by name; a damaged file may end this process.

    Raises:
        OSError: it has no program.
        RuntimeError: the library cannot read it.
    """
    os.close(descriptor(asset / PROGRAM))  # without that file, the library crashes
    program = ca.AIModelAsset.load(asset).program
    # Values of the library are valid only as long as the program is; nothing here keeps one.
    module = program._module._mlir_module
    graphs = {graph.attributes["sym_name"].value: graph for graph in module.body.operations}
    composites = {
        name: str(graph.attributes["composite_decl"])
        for name, graph in graphs.items()
        if "composite_decl" in graph.attributes
    }
    resources = _resources(module)
    return {
        name: _Reader(composites, resources).read(graph)
        for name, graph in graphs.items()
        if name not in composites
    }


class _Reader:
    """Reads one function."""

    def __init__(self, composites: dict[str, str], resources: dict[str, bytes]) -> None:
        self._composites = composites
        self._resources = resources
        self._names: dict[Any, str] = {}
        self._numbers = count()

    def read(self, graph: Any) -> Function:
        """Read the function `graph`."""
        block = graph.regions[0].blocks[0]
        inputs: dict[str, Shape] = {}
        states: dict[Any, str] = {}
        for argument, attributes in zip(
            block.arguments, graph.attributes["arg_attrs"], strict=True
        ):
            name = attributes[NAME].value
            if name.startswith(HELD):
                states[argument] = name.removeprefix(HELD)
            else:
                self._names[argument] = name
                inputs[name] = tuple(argument.type.shape)
        outputs: dict[str, tuple[Shape, str]] = {}
        constants: dict[str, npt.NDArray[Any]] = {}
        operations = []
        for op in block.operations:
            kind = _kind(op.name)
            if kind == "constant":
                constants[self._named(op.results[0])] = self._constant(op)
            elif kind == "write_handle":
                value = op.operands[1]
                outputs[states[op.operands[0]]] = tuple(value.type.shape), self._names[value]
            elif kind == "read_handle":  # what a state held before is never used
                if written := outputs.get(states[op.operands[0]]):
                    self._names[op.results[0]] = written[1]
            elif kind not in _PLUMBING:
                operations.append(self._operation(kind, op))
        return Function(inputs, outputs, tuple(operations), constants)

    def _operation(self, kind: str, op: Any) -> Operation:
        attributes = ""
        if kind == "invoke":
            callee = str(op.attributes["callee"]).partition("@")[2].partition(">")[0]
            declared, _, attributes = self._composites[callee].partition(" = ")
            kind = declared.split('"')[1]
        operands = tuple(self._names[value] for value in op.operands)
        (result,) = op.results
        return Operation(
            kind,
            operands,
            self._named(result),
            tuple(result.type.shape),
            str(result.type.element_type),
            attributes,
        )

    def _constant(self, op: Any) -> npt.NDArray[Any]:
        values, (result,) = op.attributes["value"], op.results
        if ir.DenseElementsAttr.isinstance(values):
            return np.array(ir.DenseElementsAttr(values))
        name = str(values).partition("<")[2].partition(">")[0]
        data = np.frombuffer(self._resources[name], _DTYPES[str(result.type.element_type)])
        return data.reshape(tuple(result.type.shape))

    def _named(self, value: Any) -> str:
        return self._names.setdefault(value, f"t{next(self._numbers)}")


def _resources(module: Any) -> dict[str, bytes]:
    """The data of large constants by name; only a module's text has them."""
    written = module.operation.get_asm(large_elements_limit=1)
    return {
        name: bytes.fromhex(digits)[_ALIGNMENT_BYTES:]
        for name, digits in _RESOURCE.findall(written.partition("{-#")[2])
    }


def _kind(name: str) -> str:
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name
