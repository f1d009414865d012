"""Where Core ML plans to run each operation of a program (macOS).

Requesting the Neural Engine does not mean using it: Core ML silently moves programs, or parts of
them, to the CPU where it expects that to be faster. Its compute plan shows this before anything
runs. An operation missing from the plan counts as a constant if it is one, and never as CPU.

Devices are identified by their class names, so that plans can be made up on other systems.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from mlx_muzero.coreml.compiled_cache import load_compiled
from mlx_muzero.errors import ExportError
from mlx_muzero.exports.manifest import Manifest, ProgramEntry
from mlx_muzero.exports.program import ComputeUnits
from mlx_muzero.processes.isolated_call import CallFailed, call_in_child

Device = Literal["CPU", "GPU", "ANE"]

_DEVICES: dict[str, Device] = {
    "MLCPUComputeDevice": "CPU",
    "MLGPUComputeDevice": "GPU",
    "MLNeuralEngineComputeDevice": "ANE",
}

LIMIT_S = 300.0
"""Time limit for the plans of an export; the first one compiles for the Neural Engine."""


@dataclass(frozen=True)
class OpPlacement:
    """One operation in a plan.

    Attributes:
        operation: its kind, such as ``conv``.
        output: name of its first output.
        preferred: device it will run on; None if the plan does not say.
        supported: devices it could run on.
        cost: its share of the program's estimated time, 0 to 1; None if the plan does not say.
    """

    operation: str
    output: str
    preferred: Device | None
    supported: tuple[Device, ...]
    cost: float | None


@dataclass(frozen=True)
class ProgramPlacement:
    """The plan of one program.

    Attributes:
        program: its key, such as ``recurrent_b32``.
        requested: units Core ML was allowed to use.
        operations: operations in order, without constants.
        failure: why there is no plan; empty if there is one.
    """

    program: str
    requested: ComputeUnits
    operations: tuple[OpPlacement, ...] = ()
    failure: str = ""

    def counts(self) -> dict[str, int]:
        """Number of operations by device, including ``undetermined``."""
        return dict(Counter(op.preferred or "undetermined" for op in self.operations))

    def cost_share(self, device: Device) -> float | None:
        """Share of the estimated time spent on `device`; None if the plan has no costs."""
        costs = [(op.preferred, op.cost) for op in self.operations if op.cost is not None]
        total = sum(cost for _, cost in costs)
        if not total:
            return None
        return sum(cost for preferred, cost in costs if preferred == device) / total

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "ProgramPlacement":
        """Inverse of `dataclasses.asdict`, through JSON."""
        operations = tuple(
            OpPlacement(**op | {"supported": tuple(op["supported"])}) for op in values["operations"]
        )
        return cls(**values | {"operations": operations})


def placements(folder: Path, units: ComputeUnits) -> tuple[ProgramPlacement, ...]:
    """Plan every program of the export in `folder`, in another process.

    Raises:
        ExportError: there is no export.
    """
    manifest = Manifest.load(folder)
    arguments = {"folder": str(folder), "units": units}
    try:
        found = call_in_child("mlx_muzero.coreml.placement:plan_export", arguments, LIMIT_S)
    except CallFailed as failed:
        return tuple(ProgramPlacement(e.key, units, (), str(failed)) for e in manifest.programs)
    return tuple(ProgramPlacement.from_dict(values) for values in found)


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
