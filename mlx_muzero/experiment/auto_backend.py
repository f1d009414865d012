"""What plays a run whose backend was left open, where Apple's frameworks may be the fastest.

On a Mac with one of them, the first evaluation or paper session starts another process, at low
priority, that exports the checkpoint, verifies the exports and measures every backend
(`mlx_muzero.profiling.background`). Nothing waits for it: what is being played goes on as it began,
and whoever starts next takes what was found. Elsewhere nothing of this happens.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path

from mlx_muzero.agent.agent import played_by
from mlx_muzero.agent.backend_choice import outdated_speeds, root_backend, settled, speed_key
from mlx_muzero.agent.backend_speeds import recall
from mlx_muzero.config.choices import ExportFormat
from mlx_muzero.config.schema import SearchConfig
from mlx_muzero.errors import ExportError
from mlx_muzero.experiment.background_exports import background_export, measuring_lock, prune
from mlx_muzero.experiment.precision_choice import precision_to_play
from mlx_muzero.exports.deployment import Deployment
from mlx_muzero.exports.formats import format_named, installed_formats
from mlx_muzero.exports.manifest import Manifest, is_export
from mlx_muzero.exports.weights import digest, weights_of
from mlx_muzero.files.cached import keep_json
from mlx_muzero.files.regular import descriptor
from mlx_muzero.machine import cache_folder
from mlx_muzero.networks.kinds import Model
from mlx_muzero.processes.child_module import spawn_apart
from mlx_muzero.runlog.lock import lock_holder
from mlx_muzero.runlog.logs import MEASURING_LOG
from mlx_muzero.training.run import RunFolder
from mlx_muzero.words import command

Tell = Callable[[str], None]
"""Receives text that a user should see."""

MEASURES = "mlx_muzero.profiling.background"
"""The module that measures in another process."""

QUIET_S = 900.0
"""Most seconds to wait until the machine is quiet enough to measure on."""


def formats_to_try() -> tuple[ExportFormat, ...]:
    """Formats whose framework can use more than the CPU of this machine."""
    found = ((name, format_named(name)) for name in installed_formats())
    return tuple(name for name, made in found if made.preferred_units in made.units_here())


@dataclass(frozen=True)
class Measured:
    """What the process in the background found for a checkpoint.

    Attributes:
        verdict: in one sentence; empty if it failed.
        failure: why nothing was measured; empty if it was.
        notes: what it could not do.
    """

    verdict: str = ""
    failure: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measurement:
    """The measurement of one checkpoint in the background, begun or not.

    Attributes:
        run: the run's folder.
        checkpoint: its name.
        weights: digest of its weights.
        result: the file of what was found: cached by checkpoint, versions and machine.
    """

    run: Path
    checkpoint: str
    weights: str
    result: Path

    @classmethod
    def of(
        cls, run: RunFolder, checkpoint: str, model: Model, search: SearchConfig
    ) -> "Measurement":
        """The measurement of `checkpoint`, which `model` was loaded from, for such searches."""
        weights = digest(weights_of(model))
        makers = {name: version(format_named(name).producer) for name in installed_formats()}
        facts = speed_key(model, search).facts | {"weights": weights, "producers": makers}
        key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
        return cls(run.path, checkpoint, weights, cache_folder() / "measured" / f"{key}.json")

    @property
    def log_path(self) -> Path:
        """What the process says."""
        return self.run / MEASURING_LOG

    @property
    def lock_path(self) -> Path:
        """The lock that it holds."""
        return measuring_lock(RunFolder(self.run))

    def found(self) -> Measured | None:
        """What was found; None if nothing has been yet, or it cannot be read."""
        try:
            kept = json.loads(self.result.read_text())
            return Measured(str(kept["verdict"]), str(kept["failure"]), tuple(kept["notes"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, found: Measured) -> None:
        """Save what was found."""
        keep_json(self.result, asdict(found))

    def begin(self, formats: tuple[ExportFormat, ...], quiet_s: float = QUIET_S) -> int:
        """Start measuring in another process; return its number, or that of one at work already.

        It waits for so many seconds for the machine to be quiet.
        """
        if (holder := lock_holder(self.lock_path)) is not None:
            return holder
        job = asdict(self) | {"run": str(self.run), "result": str(self.result)}
        job |= {"formats": formats, "quiet_s": quiet_s}
        with os.fdopen(
            descriptor(self.log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), "ab"
        ) as log:
            return spawn_apart(MEASURES, json.dumps(job), log).pid


def exports_of(run: RunFolder, model: Model) -> Mapping[ExportFormat, Path]:
    """The folders of the exports that play `model`.

    They are the run's own; where one of them is of other weights or missing, what was exported in
    the background takes its place.
    """
    if not run.background_exports_path.exists():
        return run.export_paths
    weights = digest(weights_of(model))
    paths = {}
    for name, usual in run.export_paths.items():
        background = background_export(run, weights, name)
        paths[name] = background if is_export(background) and not _is_of(usual, weights) else usual
    return paths


def _is_of(export: Path, weights: str) -> bool:
    try:
        return Manifest.load(export).weights_sha256 == weights
    except ExportError:
        return False


def settled_to_play(
    run: RunFolder,
    checkpoint: str,
    model: Model,
    asked: SearchConfig,
    deployment: Deployment,
    tell: Tell,
    *,
    named_backend: bool,
    named_roots: bool,
    begin: bool,
) -> SearchConfig:
    """The search with which `model` is played, every "auto" settled, that of the precision first.

    Args:
        run: the model's run.
        checkpoint: its name.
        model: the model.
        asked: the search asked for.
        deployment: the model's exports.
        tell: receives what was found in the background, or that it is being looked for.
        named_backend: whether the user named the backend for this play, perhaps as "auto".
        named_roots: whether the user named that of the roots.
        begin: whether to look for it now, if nobody has, and to remove exports of checkpoints
            that the run no longer has.
    """
    if begin:
        prune(run, tell)
    asked = precision_to_play(run, checkpoint, model, asked, tell)
    if outdated := outdated_speeds(model, asked):
        tell(f"speeds of an earlier profile do not count: {outdated}")
    if asked.precision != "float32":  # no export has a choice
        return settled(model, asked, deployment)
    left_open = asked.backend == "auto" or (not named_backend and run.backend_left_open)
    formats = formats_to_try() if left_open else ()
    if not formats:
        return settled(model, asked, deployment)
    measurement = Measurement.of(run, checkpoint, model, asked)
    found = measurement.found()
    if found is not None and not found.failure:
        roots = asked.root_backend if named_roots else "auto"
        search = settled(model, replace(asked, backend="auto", root_backend=roots), deployment)
        plays = played_by(search.backend, root_backend(search))
        counts = recall(speed_key(model, asked)) is not None
        when = "as measured in the background" if counts else "as measured now"
        tell("; ".join([f"backend {plays}, {when}", *found.notes]))
        return search
    search = settled(model, asked, deployment)
    again = f"{command('export', run.path)} && {command('profile', run.path)}"
    if found is not None:
        tell(
            f"backend {search.backend}: Apple's frameworks could not be measured for it in the "
            f"background ({found.failure}; {measurement.log_path} says more). Try by hand: "
            f"{again}; --backend auto takes the fastest then"
        )
    elif begin:
        pid = measurement.begin(formats)
        tell(
            f"backend {search.backend} for now: process {pid} exports, verifies and measures "
            f"{' and '.join(format_named(name).title for name in formats)} in the background, once "
            f"for checkpoint {checkpoint}; the next start takes the fastest (log: "
            f"{measurement.log_path})"
        )
    return search
