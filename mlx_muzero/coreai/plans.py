"""Where Core AI's runtime runs each operation of an asset, as its debugging information tells.

It is a list of records, one for each part of the runtime that took operations: the interpreter and
BNNS use the CPU; MPS names the unit of every kernel, and why the Neural Engine refused it. Each
kernel names the operations of the asset that it computes by number. No public interface tells all
this; what cannot be read is a failure, not a guess.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mlx_muzero.errors import ExportError
from mlx_muzero.exports.manifest import Manifest
from mlx_muzero.exports.placement import Device, OpPlacement, ProgramPlacement
from mlx_muzero.exports.program import ComputeUnits

PLAN_EXPORT = "mlx_muzero.coreai.plans:plan_export"
"""The name of `plan_export` for `mlx_muzero.exports.placement.placements`."""

_DEVICES: dict[str, Device] = {"ANE": "ANE", "NEURAL_ENGINE": "ANE", "GPU": "GPU", "CPU": "CPU"}


def plan_export(folder: str, units: ComputeUnits) -> list[dict[str, Any]]:
    """Plan an export, as JSON values; Apple's runtime may end this process.

    All functions of an asset are told together.

    Raises:
        ExportError: there is no export, or this machine does not have these units.
    """
    from mlx_muzero.coreai.runtime import debug_infos

    asset = Manifest.load(Path(folder)).programs[0].package
    return [asdict(placement(debug_infos(Path(folder, asset), units), asset, units))]


def placement(infos: bytes, asset: str, units: ComputeUnits) -> ProgramPlacement:
    """Read the plan of an asset from the runtime's debugging information.

    Raises:
        ExportError: it is in another form.
    """
    try:
        return ProgramPlacement(asset, units, tuple(_placed(json.loads(infos)).values()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ExportError(
            f"Core AI's debugging information is in another form than was known: {error!r}"
        ) from error


def _placed(records: list[dict[str, Any]]) -> dict[int, OpPlacement]:
    """Operations by number; what a delegate took is no longer the interpreter's."""
    if not records or not isinstance(records, list):
        raise ValueError("no list of records")
    found: dict[int, OpPlacement] = {}
    for record in sorted(records, key=lambda record: not _of(record, "odix")):
        for operation in record["operations"]:
            values = list(_metadata(operation))
            if any(key == "symbol" for key, _ in values):
                continue
            facts = dict(values)
            device = _device(record, facts)
            if device is None and _of(record, "mps"):
                continue  # no kernel: its operations run with others
            kind = str(operation["name"]).rstrip("0123456789").rstrip("_") or "operation"
            for key, value in values:
                if key == "op_id" and value["type"] == "coreai":
                    why = str(facts.get("ane_validation_message", ""))
                    found[value["value"]] = OpPlacement(
                        kind, f"operation {value['value']}", device, (), None, why
                    )
    return found


def _of(record: dict[str, Any], part: str) -> bool:
    """Whether a record is of that part of the runtime."""
    return str(record["identifier"]).lower().startswith(part)


def _device(record: dict[str, Any], facts: dict[str, Any]) -> Device | None:
    if _of(record, "odix") or _of(record, "bnns"):
        return "CPU"
    return _DEVICES.get(str(facts.get("residency")).upper())


def _metadata(operation: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for entry in operation.get("metadatas", ()):
        yield entry["key"], _plain(entry["value"])


def _plain(value: dict[str, Any]) -> Any:
    """A value that is wrapped as ``{"string": {"_0": "ANE"}}``, without its wrapping."""
    ((kind, held),) = value.items()
    if kind == "dictionary":
        return {name: _plain(inner) for name, inner in held["_0"].items()}
    if kind == "array":
        return [_plain(inner) for inner in held["_0"]]
    return held.get("_0")
