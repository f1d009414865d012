"""Where a framework plans to run each operation of a program.

Requesting the Neural Engine does not mean using it: Core ML silently moves programs, or parts of
them, to the CPU where it expects that to be faster. Its compute plan shows this before anything
runs. An operation missing from the plan counts as a constant if it is one, and never as CPU.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mlx_muzero.exports.manifest import Manifest
from mlx_muzero.exports.program import ComputeUnits
from mlx_muzero.processes.isolated_call import CallFailed, call_in_child

Device = Literal["CPU", "GPU", "ANE"]

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
        why: why the Neural Engine does not take it, in the framework's words; empty if unknown.
    """

    operation: str
    output: str
    preferred: Device | None
    supported: tuple[Device, ...]
    cost: float | None
    why: str = ""


@dataclass(frozen=True)
class ProgramPlacement:
    """The plan of one program.

    Attributes:
        program: its key, such as ``recurrent_b32``.
        requested: units the framework was allowed to use.
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

    def refusals(self) -> dict[str, int]:
        """Number of operations by why the Neural Engine does not take them."""
        return dict(Counter(op.why for op in self.operations if op.why))

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


def placements(folder: Path, units: ComputeUnits, plan: str) -> tuple[ProgramPlacement, ...]:
    """Plan every program of the export in `folder`, in another process.

    Args:
        folder: the export.
        units: units the framework may use.
        plan: function that plans there, ``module:function``, from `folder` and `units`; it returns
            placements as JSON values, and may crash its process.

    Raises:
        ExportError: there is no export.
    """
    manifest = Manifest.load(folder)
    arguments = {"folder": str(folder), "units": units}
    try:
        found = call_in_child(plan, arguments, LIMIT_S)
    except CallFailed as failed:
        return tuple(ProgramPlacement(e.key, units, (), str(failed)) for e in manifest.programs)
    return tuple(ProgramPlacement.from_dict(values) for values in found)
