"""Core ML's compute plans (macOS).

Devices are identified by their class names, so that plans can be made up on other systems.
"""

import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mlx_muzero.errors import ExportError
from mlx_muzero.exports.compiled_cache import load_compiled
from mlx_muzero.exports.manifest import Manifest, ProgramEntry
from mlx_muzero.exports.placement import Device, OpPlacement, ProgramPlacement
from mlx_muzero.exports.program import ComputeUnits

PLAN_EXPORT = "mlx_muzero.coreml.plans:plan_export"
"""The name of `plan_export` for `mlx_muzero.exports.placement.placements`."""

_DEVICES: dict[str, Device] = {
    "MLCPUComputeDevice": "CPU",
    "MLGPUComputeDevice": "GPU",
    "MLNeuralEngineComputeDevice": "ANE",
}


def plan_export(folder: str, units: ComputeUnits) -> list[dict[str, Any]]:
    """Plan the programs of an export, as JSON values; Core ML may crash this process.

    Raises:
        ExportError: there is no export, or this is not a Mac.
    """
    if sys.platform != "darwin":
        raise ExportError("compute plans come from Core ML: they need macOS")
    from mlx_muzero.coreml.device_program import compile_model
    from mlx_muzero.coreml.toolkit import ct

    def load_plan(compiled: Path) -> Any:
        plans = ct.models.compute_plan.MLComputePlan
        return plans.load_from_path(path=str(compiled), compute_units=ct.ComputeUnit[units])

    def plan(entry: ProgramEntry) -> ProgramPlacement:
        package = Path(folder, entry.package)
        loaded = load_compiled(package, entry.content, compile_model, load_plan)
        return placement(loaded, entry, units)

    return [asdict(plan(entry)) for entry in Manifest.load(Path(folder)).programs]


def placement(plan: Any, entry: ProgramEntry, units: ComputeUnits) -> ProgramPlacement:
    """Extract the plan of a program from an ``MLComputePlan``."""
    functions = plan.model_structure.program.functions
    name = entry.function or "main"
    if name not in functions:
        failure = f"the plan has no function {name}; it has {', '.join(sorted(functions))}"
        return ProgramPlacement(entry.key, units, (), failure)
    operations = functions[name].block.operations
    return ProgramPlacement(entry.key, units, tuple(_placed(plan, operations)))


def _placed(plan: Any, operations: list[Any]) -> Iterator[OpPlacement]:
    for operation in operations:
        # The plan prefixes names with the operation set: ios18.conv.
        kind = operation.operator_name.rpartition(".")[2]
        if kind == "const":
            continue
        usage = plan.get_compute_device_usage_for_mlprogram_operation(operation)
        cost = plan.get_estimated_cost_for_mlprogram_operation(operation)
        yield OpPlacement(
            operation=kind,
            output=operation.outputs[0].name,
            preferred=None if usage is None else _device(usage.preferred_compute_device),
            supported=()
            if usage is None
            else tuple(_device(device) for device in usage.supported_compute_devices),
            cost=None if cost is None else cost.weight,
        )


def _device(device: Any) -> Device:
    return _DEVICES[type(device).__name__]
