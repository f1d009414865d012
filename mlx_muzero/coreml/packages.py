"""Reads the operations of one function back from a saved package."""

from collections import Counter
from pathlib import Path
from typing import Any

from mlx_muzero.coreml.toolkit import DecodeError, ct, load_mil, types
from mlx_muzero.errors import ExportError
from mlx_muzero.exports.manifest import Precision

DEFAULT_FUNCTION = "main"
_WEIGHTS = Path("Data") / "com.apple.CoreML" / "weights"


def read_function(package: Path, function: str | None) -> Any:
    """Read a function of a saved package as coremltools' MIL function, including weights.

    Args:
        package: the package.
        function: its name in the package; None if the package has one function.

    Raises:
        ExportError: the package cannot be read, or has no such function.
    """
    name = function or DEFAULT_FUNCTION
    try:
        spec = ct.models.utils.load_spec(str(package))
        functions = spec.mlProgram.functions
        if name not in functions:
            raise ExportError(f"{package} has no function {name}; it has {sorted(functions)}")
        for other in set(functions) - {name}:
            del functions[other]
        program = load_mil(spec, spec.specificationVersion, str(package / _WEIGHTS))
    except (OSError, ValueError, RuntimeError, DecodeError) as error:
        raise ExportError(f"{package}: cannot read it ({error}). Export again.") from error
    return program.functions[name]


def operations(function: Any) -> list[Any]:
    """The operations of a MIL function in order, without constants."""
    return [op for op in function.operations if op.op_type != "const"]


def histogram(function: Any) -> dict[str, int]:
    """Number of occurrences of each operation, most frequent first."""
    return dict(Counter(op.op_type for op in operations(function)).most_common())


def require_precision(function: Any, precision: Precision) -> None:
    """Check that every tensor inside has the precision; only inputs and outputs are float32.

    Raises:
        ExportError: an operation has another precision; the message names it.
    """
    edges = {var.name for var in function.outputs}
    wanted = types.fp16 if precision == "fp16" else types.fp32
    for op in operations(function):
        for var in op.outputs:
            if var.dtype == wanted or var.name in edges:
                continue
            raise ExportError(
                f"operation {op.name} ({op.op_type}) computes in "
                f"{types.builtin_to_string(var.dtype)}, not in {precision}: the Neural Engine "
                "would not run it"
            )
