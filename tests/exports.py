"""Exports whose programs are the MLX model itself: no conversion, no coremltools, milliseconds."""

import json
from pathlib import Path

import mlx.core as mx
from mlx.utils import tree_flatten

from mlx_muzero import config_toml
from mlx_muzero.config import Config
from mlx_muzero.coreml.interface import input_shapes, output_shapes
from mlx_muzero.coreml.manifest import Manifest, ProgramEntry
from mlx_muzero.coreml.weights import digest, sizes_of, weights_of
from mlx_muzero.market.outcomes import OUTCOME_NAMES
from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.trading.env import OBSERVATION_FEATURES
from model_programs import FAULTS, PROGRAMS

LOADER = "model_programs:load"
"""What loads them in the child process; `tests` must be on its PYTHONPATH."""

ROWS = (2, 8)


def export_model(folder: Path, config: Config, model: StochasticMuZero) -> Path:
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
        for name in PROGRAMS
        for rows in ROWS
    )
    folder.mkdir(parents=True, exist_ok=True)
    Manifest(
        checkpoint="000001-episode-000004",
        weights_sha256=digest(weights_of(model)),
        config=config,
        precision="fp32",
        layer_norm="op",
        features=OBSERVATION_FEATURES,
        actions=TradingRules.from_config(config).table.action_names,
        outcomes=OUTCOME_NAMES,
        programs=programs,
        verification={},
        versions={},
    ).write(folder)
    mx.save_safetensors(
        str(folder / "weights.safetensors"), dict(tree_flatten(model.parameters()))
    )
    (folder / "config.toml").write_text(config_toml.dumps(config))
    return folder


def break_programs(folder: Path, fault: str, *, call: int = 0, once: bool = False) -> None:
    """Has the programs of the export in `folder` fail at their `call`-th call .

    Args:
        folder: of the export.
        fault: of `model_programs`.
        call: at which call of a process; 0 while loading.
        once: whether only the first process to get there fails.
    """
    assert fault in FAULTS
    (folder / "fault.json").write_text(json.dumps({"fault": fault, "call": call, "once": once}))
