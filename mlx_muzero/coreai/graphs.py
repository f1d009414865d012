"""Adds graphs to the Core AI module that is being written."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from mlx_muzero.coreai.toolkit import authoring as ca
from mlx_muzero.coreai.toolkit import ir
from mlx_muzero.exports.graphs.operations import Var
from mlx_muzero.exports.interface import Shape

HELD = "held_"
"""Prefix of the state that holds an output."""

_MUTATES = "MutableBuffers.buffer_mutation"
NAME = "coreai.name"
"""The attribute that names an input."""


@dataclass(frozen=True)
class Tensor:
    """The type of an input or output."""

    shape: Shape
    dtype: type[np.generic]


class Composite:
    """A private graph that a device's compiler may replace by an operation it has."""

    def __init__(
        self,
        name: str,
        inputs: Mapping[str, Tensor],
        output: Tensor,
        body: Callable[..., Var],
        operation: str,
        attributes: str,
    ) -> None:
        """Add the graph to the module.

        Args:
            name: its unique name.
            inputs: by name, in order.
            output: its only output.
            body: computes the output where there is no such operation.
            operation: the operation it stands for.
            attributes: those of the operation, as the library writes them.
        """
        names = ", ".join(f'"{name}"' for name in inputs)
        declaration = ir.Attribute.parse(
            f'#coreai.composite_declaration<"{operation}" = {{input_names = [{names}], '
            f'op_attrs = {{{attributes}}}, output_names = ["output"]}}>'
        )
        graph = ir.InsertionPoint.current.block.owner
        while graph.name != "builtin.module":
            graph = graph.parent
        with ir.InsertionPoint.at_block_begin(graph.regions[0].blocks[0]):
            self._graph = _graph(
                name,
                inputs,
                {"output": output},
                lambda *tensors: (body(*tensors),),
                private=True,
                no_inline=True,
                composite_decl=declaration,
            )

    def __call__(self, *tensors: Var) -> Var:
        """Use it in the graph that is being written."""
        (result,) = self._graph(*tensors)
        return result


def add_graph(
    name: str,
    inputs: Mapping[str, Shape],
    outputs: Mapping[str, Shape],
    body: Callable[..., Mapping[str, Var]],
) -> None:
    """Add a graph of float32 tensors, each of whose outputs is a state.

    The runtime keeps every output it returns until the process ends. A state belongs to the caller:
    the graph has an input ``held_NAME`` for an output NAME, and writes it there.

    Args:
        name: its unique name.
        inputs: shapes by name, in order.
        outputs: likewise.
        body: maps the inputs to the outputs by name.
    """
    results = {output: Tensor(shape, np.float32) for output, shape in outputs.items()}
    held = {f"{HELD}{output}": tensor for output, tensor in results.items()}

    def compute(*tensors: Var) -> tuple[Var, ...]:
        found = body(*tensors[: len(inputs)])
        return tuple(found[output] for output in outputs)

    entered = {key: Tensor(shape, np.float32) for key, shape in inputs.items()}
    graph = _graph(name, entered | held, results, compute)._callable
    graph.arg_attrs = [_state(argument) for argument in graph.arg_attrs]


def _graph(
    name: str,
    inputs: Mapping[str, Tensor],
    outputs: Mapping[str, Tensor],
    body: Callable[..., tuple[Var, ...]],
    **options: Any,
) -> Any:
    """Add a graph; the library reads inputs and outputs off the signature of a function."""

    def annotated(tensor: Tensor, name: str | None) -> Any:
        return Annotated[ca.Value, ca.TensorType(tensor.shape, tensor.dtype, name=name)]

    def compute(*tensors: Var) -> tuple[Var, ...]:
        return body(*tensors)

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    signature = inspect.Signature([inspect.Parameter(key, kind) for key in inputs])
    compute.__signature__ = signature  # type: ignore[attr-defined]
    results: Any = tuple(annotated(tensor, key) for key, tensor in outputs.items())
    compute.__annotations__ = {
        **{key: annotated(tensor, None) for key, tensor in inputs.items()},
        "return": tuple.__class_getitem__(results),
    }
    return ca.graph(compute, provided_name=name, **options)


def _state(argument: Any) -> Any:
    """The attributes of an input, marked as a state if its name says so."""
    attributes = {named.name: named.attr for named in argument}
    name = attributes[NAME].value
    if name.startswith(HELD):
        attributes[_MUTATES] = ir.StringAttr.get(name.removeprefix(HELD))
    return ir.DictAttr.get(attributes)
