"""Runs a program with Core ML (macOS)."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mlx_muzero.errors import ExportError
from mlx_muzero.exports.compiled_cache import load_compiled
from mlx_muzero.exports.program import ComputeUnits
from mlx_muzero.types import F32


class DeviceProgram:
    """One function of a saved package as a `Program`; loading compiles it for the device.

    Core ML holds the GIL while it loads and predicts, and may hang or abort the process: callers
    that must survive that use it in a child process.
    """

    def __init__(
        self, package: Path, function: str | None, content: str, compute_units: ComputeUnits
    ) -> None:
        """Load the program; the first load compiles it.

        Args:
            package: the package.
            function: its name in the package; None if the package has one function.
            content: digest of the package (`ProgramEntry.content`).
            compute_units: units Core ML may use.

        Raises:
            ExportError: this machine is not a Mac.
        """
        if sys.platform != "darwin":
            raise ExportError(f"{package}: Core ML runs on macOS only")
        from mlx_muzero.coreml.toolkit import ct

        def load_model(compiled: Path) -> Any:
            units = ct.ComputeUnit[compute_units]
            return ct.models.CompiledMLModel(str(compiled), units, function)

        self._model: Any = load_compiled(package, content, compile_model, load_model)

    def __call__(self, inputs: Mapping[str, F32]) -> dict[str, F32]:
        """See `Program`."""
        outputs = self._model.predict(dict(inputs))
        return {name: np.asarray(array, np.float32) for name, array in outputs.items()}


def compile_model(package: Path, destination: Path) -> None:
    """Compile `package` into the new folder `destination`, an ``.mlmodelc``."""
    from mlx_muzero.coreml.toolkit import ct

    ct.models.utils.compile_model(str(package), str(destination))
