"""Exports in a separate process: ``python -m mlx_muzero.exports.export_process FOLDER``.

Building and converting programs holds Python's lock for seconds, during which learning would stop.
Here they use whatever processor time training leaves.
"""

import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.choices import ExportFormat
from mlx_muzero.config.schema import Config
from mlx_muzero.errors import ExportError, MuZeroError
from mlx_muzero.exports.figures import Verification
from mlx_muzero.exports.manifest import Manifest
from mlx_muzero.exports.samples import Samples
from mlx_muzero.processes.child_module import how_it_ended, spawn
from mlx_muzero.types import F32

LIMIT_S = 300.0
"""Time limit of an export, which usually takes a few seconds."""

_POLL_S = 0.1
_NICENESS = 10


def export_in_child(
    weights: Mapping[str, F32],
    config: Config,
    target: Path,
    rows: int,
    samples: Samples,
    cancelled: threading.Event,
    export_format: ExportFormat,
) -> Manifest:
    """Export into the folder `target` in another process, and wait for it.

    Args:
        weights: the model's weights by name.
        config: the run's configuration.
        target: the export folder; its name becomes that of the weights.
        rows: rows of the programs.
        samples: situations on which programs and model are compared before the export appears.
        cancelled: ends the process when set.
        export_format: the format of the programs.

    Raises:
        ExportError: it failed, took too long or was cancelled.
    """
    job = {"target": str(target), "rows": rows, "format": export_format}
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as stderr:
        np.savez(Path(folder, "weights.npz"), allow_pickle=False, **weights)
        np.savez(Path(folder, "samples.npz"), allow_pickle=False, **asdict(samples))
        Path(folder, "config.toml").write_text(config_toml.dumps(config))
        Path(folder, "job.json").write_text(json.dumps(job))
        process = spawn("mlx_muzero.exports.export_process", folder, stderr)
        deadline = time.monotonic() + LIMIT_S
        try:
            while process.poll() is None:
                if cancelled.wait(_POLL_S):
                    raise ExportError(f"the export to {target} was canceled")
                if time.monotonic() > deadline:
                    raise ExportError(f"the export to {target} took more than {LIMIT_S:g} s")
        finally:
            process.kill()
            process.wait()
        if process.returncode:
            raise ExportError(f"export to {target}: {how_it_ended(process, stderr)}")
    return Manifest.load(target)


def main(folder: Path) -> None:
    """Run the export that `export_in_child` prepared in `folder`."""
    # Needed only in this process.
    from mlx_muzero.exports.export import export
    from mlx_muzero.exports.options import ExportOptions
    from mlx_muzero.exports.verification import verify
    from mlx_muzero.exports.weights import model_of
    from mlx_muzero.trading.core import TradingRules

    job = json.loads((folder / "job.json").read_text())
    config = config_toml.load(folder / "config.toml")
    weights = _arrays(folder / "weights.npz")
    samples = Samples(**_arrays(folder / "samples.npz"))
    target = Path(job["target"])
    table = TradingRules.from_config(config).table

    def verified(export_folder: Path) -> Verification:
        model = model_of(weights, Manifest.load(export_folder).sizes)
        # The process that plays the export tests it on the device.
        return verify(export_folder, model, table, samples, quick=True)

    options = ExportOptions(batches=(job["rows"],))
    export(weights, config, target.name, target, verified, options, export_format=job["format"])


def _arrays(file: Path) -> dict[str, Any]:
    with np.load(file) as arrays:
        return dict(arrays)


if __name__ == "__main__":
    os.nice(_NICENESS)
    # If there is no parent to end this process, the system's timer does.
    signal.setitimer(signal.ITIMER_REAL, LIMIT_S)
    try:
        main(Path(sys.argv[1]))
    except MuZeroError as error:
        sys.exit(str(error))
