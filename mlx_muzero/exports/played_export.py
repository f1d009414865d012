"""A model's export at play: intact, of its weights, in a child process that is kept alive."""

from collections.abc import Collection
from pathlib import Path

from mlx_muzero.config.choices import ExportBackend, ExportFormat
from mlx_muzero.errors import ExportError
from mlx_muzero.exports.child import Child, ChildLost
from mlx_muzero.exports.deployment import Deployment, compute_units
from mlx_muzero.exports.formats import format_named
from mlx_muzero.exports.in_use import InUse
from mlx_muzero.exports.interface import ProgramName
from mlx_muzero.exports.manifest import Manifest, ProgramEntry
from mlx_muzero.exports.program import PLAYS, program_set
from mlx_muzero.exports.self_test import self_test
from mlx_muzero.exports.supervisor import Supervisor
from mlx_muzero.exports.weights import digest, sizes_of, weights_of
from mlx_muzero.networks.kinds import Model
from mlx_muzero.words import command


class PlayedExport:
    """Programs of the export of `model`, run in a child process.

    Attributes:
        supervisor: keeps the child process alive.
        programs: the programs, loaded.
        sizes: sizes they were exported with.
    """

    def __init__(
        self,
        model: Model,
        names: Collection[ProgramName],
        needed_by: str,
        backend: ExportBackend,
        deployment: Deployment,
    ) -> None:
        """Start the child process and test the programs it loaded.

        Args:
            model: the model that was exported.
            names: programs that will be called.
            needed_by: what needs them, in words.
            backend: plays the export.
            deployment: the model's exports, and how one is run.

        Raises:
            ExportError: the export is missing, damaged or of other weights, or lacks a program.
            EngineLost: its programs do not work here.
            ConfigError: the environment names unknown compute units.
        """
        play = PLAYS[backend]
        self._model, self._format = model, play.format
        self._folder = folder = deployment.folder(play.format)
        in_use = InUse(folder)
        manifest = current_manifest(model, folder, play.format)
        entries = _entries(manifest, names, needed_by, folder)
        units = play.units or compute_units(play.format)
        limits, loader = deployment.limits, deployment.loader

        def launch() -> Child:
            _require_unchanged(manifest, in_use.folder)
            child = Child(in_use.folder, entries, play.engine, units, limits, loader)
            programs = program_set(child.call, entries)
            failure = self_test(programs, manifest, model, play.engine, units)
            if failure is not None:
                child.end()
                raise ChildLost(f"self-test: {failure}", curable=False)
            return child

        self.sizes = manifest.sizes
        most_calls = format_named(play.format).most_calls(entries)
        self.supervisor = Supervisor(launch, limits, deployment.report, most_calls=most_calls)
        self.programs = program_set(self.supervisor.call, entries)

    def require_current(self) -> None:
        """Check that the model is still the one that was exported.

        Raises:
            ExportError: its weights have changed.
        """
        current_manifest(self._model, self._folder, self._format)


def current_manifest(model: Model, folder: Path, export_format: ExportFormat) -> Manifest:
    """The manifest of an intact export in `folder` with the weights of `model`.

    Raises:
        ExportError: the export is missing, damaged, in another format, of other weights, or made by
            software that cannot be read here.
    """
    manifest = Manifest.load(folder)
    if manifest.export_format != export_format:
        found, wanted = (format_named(f).title for f in (manifest.export_format, export_format))
        raise ExportError(
            f"{folder} is an export for {found}, not for {wanted}. Export again: "
            + command("export", "RUN", "--format", export_format)
        )
    format_named(export_format).require_readable(manifest.versions, str(folder))
    manifest.check_files(folder)
    if manifest.sizes != sizes_of(model) or manifest.weights_sha256 != digest(weights_of(model)):
        raise ExportError(
            f"{folder} is stale: it was made from checkpoint {manifest.checkpoint}, but the model "
            "has other weights. Export again with mlx-muzero export RUN."
        )
    return manifest


def _require_unchanged(manifest: Manifest, folder: Path) -> None:
    """Raise ChildLost if the export in `folder` changed: restarts may come long after the start."""
    try:
        if Manifest.load(folder) != manifest:
            raise ExportError(f"{folder} now holds another export")
        manifest.check_files(folder)
    except ExportError as error:
        raise ChildLost(str(error), curable=False) from error


def _entries(
    manifest: Manifest, names: Collection[ProgramName], needed_by: str, folder: Path
) -> list[ProgramEntry]:
    """The programs with these names."""
    entries = [entry for entry in manifest.programs if entry.name in names]
    missing = sorted(set(names) - {entry.name for entry in entries})
    if missing:
        raise ExportError(
            f'{folder} lacks the program "{missing[0]}", which {needed_by} needs. Export again '
            "with mlx-muzero export RUN."
        )
    return entries
