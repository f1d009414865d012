"""Exports whose programs are the MLX model itself: no conversion, no coremltools, milliseconds."""

import json
from pathlib import Path

import mlx.core as mx
import numpy as np
from mlx.utils import tree_flatten

from mlx_muzero.config.schema import Config
from mlx_muzero.exports.child import Child
from mlx_muzero.exports.deployment import Limits
from mlx_muzero.exports.interface import (
    MARKET_PROGRAMS,
    ProgramName,
    features_read,
    input_shapes,
    output_shapes,
)
from mlx_muzero.exports.manifest import Manifest, ProgramEntry
from mlx_muzero.exports.weights import digest, sizes_of, weights_of
from mlx_muzero.market.observation.outcomes import OUTCOME_NAMES
from mlx_muzero.networks.kinds import Model
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.types import F32
from program_faults import FAULTS

LOADER = "model_programs:load"
"""What loads them in the child process; `tests` must be on its PYTHONPATH."""

ROWS = (2, 8)

PATIENT = Limits()


def export_model(folder: Path, config: Config, model: Model) -> Path:
    """An export of `model`, with every program for each of `ROWS`; see `model_programs`."""
    sizes = sizes_of(model)
    programs = tuple(
        ProgramEntry(
            name=name,
            rows=rows,
            package=f"{name}_b{rows}.mlpackage",
            function=None,
            sha256={},
            inputs=input_shapes(name, sizes, rows),
            outputs=output_shapes(name, sizes, rows),
            op_histogram={},
        )
        for name in programs_of(config)
        for rows in ROWS
    )
    folder.mkdir(parents=True, exist_ok=True)
    Manifest(
        checkpoint="000001-episode-000004",
        weights_sha256=digest(weights_of(model)),
        config=config,
        precision="fp32",
        layer_norm="op",
        features=features_read(config),
        actions=TradingRules.from_config(config).table.action_names,
        outcomes=OUTCOME_NAMES,
        programs=programs,
        verification={},
        versions={},
    ).write(folder)
    mx.save_safetensors(str(folder / "weights.safetensors"), dict(tree_flatten(model.parameters())))
    return folder


def programs_of(config: Config) -> tuple[ProgramName, ...]:
    """Programs that searches in every mode call."""
    if config.model.kind == "factored":
        return MARKET_PROGRAMS
    return ("initial", "recurrent", "afterstate", "dynamics")


def deployed_child(folder: Path, limits: Limits = PATIENT) -> tuple[Child, dict[str, F32]]:
    """A child with the program `recurrent_b2` of the export in `folder`, and inputs for it."""
    (entry,) = (e for e in Manifest.load(folder).programs if e.key == "recurrent_b2")
    draw = np.random.default_rng(0)
    inputs = {n: draw.normal(size=s).astype(np.float32) for n, s in entry.inputs.items()}
    return Child(folder, [entry], "sim", "CPU_ONLY", limits, LOADER), inputs


def break_programs(
    folder: Path, fault: str, *, after: int = 0, times: int = 1, loading: bool = False
) -> None:
    """Has the programs of the export in `folder` fail.

    Args:
        folder: of the export.
        fault: one of `program_faults.FAULTS`.
        after: calls that still go well.
        times: how often they fail then.
        loading: whether it is loading that fails, rather than being called.
    """
    assert fault in FAULTS
    values = {"fault": fault, "after": after, "times": times, "loading": loading}
    (folder / "fault.json").write_text(json.dumps(values))
