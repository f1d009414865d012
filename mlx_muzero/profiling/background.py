"""Measures in the background what plays a checkpoint fastest: ``python -m ... JOB``.

The exports that it makes and verifies stay in the run's folder, for whoever plays what was found.
See `mlx_muzero.experiment.auto_backend` for the other side.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from mlx_muzero.config.choices import ExportFormat
from mlx_muzero.errors import MuZeroError
from mlx_muzero.experiment.auto_backend import Measured, Measurement, exports_of
from mlx_muzero.experiment.background_exports import background_export, prune
from mlx_muzero.experiment.exporting import export_run
from mlx_muzero.experiment.trained_run import TrainedRun, load_run
from mlx_muzero.exports.formats import format_named
from mlx_muzero.exports.options import ExportOptions
from mlx_muzero.exports.played_export import current_manifest
from mlx_muzero.machine import performance_cores
from mlx_muzero.profiling.measure import Effort
from mlx_muzero.profiling.profile import profile
from mlx_muzero.profiling.subject import Subject
from mlx_muzero.runlog.folders import append_line
from mlx_muzero.runlog.lock import locked
from mlx_muzero.training.run import RunFolder

EFFORT = Effort(seconds=0.3, batches=(16,), pairs=(16,), simulations=(0, 50), energy_s=0.0)
"""What the choice of a backend needs."""

_LOOK_EVERY_S = 5.0
_NICENESS = 10

Say = Callable[[str], None]


def measure(
    measurement: Measurement, formats: tuple[ExportFormat, ...], say: Say, quiet_s: float
) -> Measured:
    """Export, verify and measure the checkpoint of `measurement`, and keep what was found.

    Args:
        measurement: what to measure.
        formats: formats to export to.
        say: receives what is being done.
        quiet_s: how long to wait for the machine to be quiet; whoever began this is at work.
    """
    try:
        # Named, so that nothing is looked for in the background again.
        run = load_run(measurement.run, measurement.checkpoint, None, backend="mlx")
        notes = [note for name in formats if (note := _exported(run, measurement, name, say))]
        exports = {
            name: path
            for name, path in exports_of(run.folder, run.model).items()
            if name in formats and _plays(run, path, name)
        }
        if not exports:
            raise MuZeroError("; ".join(notes))
        if not _quiet(quiet_s):
            notes.append("the machine was busy while it was measured")
        subject = Subject(str(run.folder.path), run.config, run.model, exports)
        found = Measured(profile(subject, EFFORT, say).verdict, notes=tuple(notes))
    except (MuZeroError, OSError) as error:
        found = Measured(failure=str(error))
    measurement.keep(found)
    say(found.verdict or f"failed: {found.failure}")
    return found


def _exported(run: TrainedRun, measurement: Measurement, name: ExportFormat, say: Say) -> str:
    """Make the export in that format unless there is one; return why that failed."""
    if _plays(run, exports_of(run.folder, run.model)[name], name):
        return ""
    title = format_named(name).title
    target = background_export(run.folder, measurement.weights, name)
    say(f"exporting for {title} into {target}")
    try:
        export_run(run, name, ExportOptions(), lambda _found: None, target=target)
    except MuZeroError as error:
        say(f"no export for {title}: {error}")
        return f"no export for {title}: {error}"
    return ""


def _plays(run: TrainedRun, export: Path, name: ExportFormat) -> bool:
    try:
        current_manifest(run.model, export, name)
    except MuZeroError:
        return False
    return True


def _quiet(most_s: float) -> bool:
    """Wait until half of the cores have nothing to do; False if that did not come about."""
    until = time.monotonic() + most_s
    while os.getloadavg()[0] > performance_cores() / 2:
        if time.monotonic() >= until:
            return False
        time.sleep(_LOOK_EVERY_S)
    return True


@contextmanager
def _alone(lock: Path) -> Iterator[bool]:
    """Hold the lock; False if another process measures already."""
    try:
        with locked(lock):
            yield True
    except BlockingIOError:
        yield False


def main(argument: str) -> None:
    """Do the job that `Measurement.begin` wrote."""
    job = json.loads(argument)
    formats, quiet_s = tuple(job.pop("formats")), job.pop("quiet_s")
    paths = {name: Path(job[name]) for name in ("run", "result")}
    measurement = Measurement(**job | paths)

    def say(text: str) -> None:
        line = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC  {text}"
        append_line(measurement.log_path, line.encode())

    with _alone(measurement.lock_path) as alone:
        if alone:
            measure(measurement, formats, say, quiet_s)
    prune(RunFolder(measurement.run), say)  # what older checkpoints left


if __name__ == "__main__":
    os.nice(_NICENESS)
    main(sys.argv[1])
