"""The `coreml` and `coreml-sim` backends: exported programs in a child process evaluate leaves.

The latent pool stays in this process, so a request needs nothing but its inputs, and a search
continues in another child as if nothing had happened.
"""

from pathlib import Path

import mlx.core as mx

from mlx_muzero.backends.mlx import MlxEvaluator
from mlx_muzero.config.choices import ExpansionMode
from mlx_muzero.errors import ExportError
from mlx_muzero.exports.child import Child, ChildLost
from mlx_muzero.exports.deployment import Deployment, compute_units
from mlx_muzero.exports.interface import PROGRAMS_FOR
from mlx_muzero.exports.manifest import Manifest, ProgramEntry
from mlx_muzero.exports.program import Engine, program_set
from mlx_muzero.exports.program_evaluator import ProgramEvaluator
from mlx_muzero.exports.self_test import self_test
from mlx_muzero.exports.supervisor import Supervisor
from mlx_muzero.exports.weights import digest, sizes_of, weights_of
from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.types import F32


class ExportedEvaluator(ProgramEvaluator):
    """Evaluates leaves with a model's export, and roots with the model itself."""

    def __init__(
        self,
        model: StochasticMuZero,
        expansion: ExpansionMode,
        engine: Engine,
        deployment: Deployment,
    ) -> None:
        """Start the child process and test the programs it loaded.

        Args:
            model: the model that was exported.
            expansion: mode of the searches.
            engine: runs the programs.
            deployment: the export, and how it is run.

        Raises:
            ExportError: the export is missing, damaged or of other weights, or lacks a program.
            EngineLost: its programs do not work here.
            ConfigError: the environment names unknown compute units.
        """
        self._model = model
        self._heads = MlxEvaluator(model)
        self._folder = deployment.folder
        manifest = current_manifest(model, deployment.folder)
        entries = _entries(manifest, expansion, deployment.folder)
        units = compute_units()

        def launch() -> Child:
            _require_unchanged(manifest, deployment.folder)
            child = Child(deployment, entries, engine, units)
            failure = self_test(program_set(child.call, entries), manifest, model, engine, units)
            if failure is not None:
                child.end()
                raise ChildLost(f"self-test: {failure}", curable=False)
            return child

        self.supervisor = Supervisor(launch, deployment.limits, deployment.report)
        super().__init__(program_set(self.supervisor.call, entries), manifest.sizes)

    def predict(self, latents: mx.array) -> tuple[F32, F32]:
        """Evaluate latents ``f32[n, D]`` with the model: policy ``f32[n, A]``, value ``f32[n]``."""
        return self._heads.predict(latents)

    def refresh(self) -> None:
        """Check that the model is still the one that was exported.

        Raises:
            ExportError: its weights have changed.
        """
        current_manifest(self._model, self._folder)

    def close(self) -> None:
        """End the child process."""
        self.supervisor.close()


def current_manifest(model: StochasticMuZero, folder: Path) -> Manifest:
    """The manifest of an intact export in `folder` with the weights of `model`.

    Raises:
        ExportError: the export is missing, damaged, or of other weights.
    """
    manifest = Manifest.load(folder)
    manifest.check_files(folder)
    if manifest.sizes != sizes_of(model) or manifest.weights_sha256 != digest(weights_of(model)):
        raise ExportError(
            f"{folder} is stale: it was made from checkpoint {manifest.checkpoint}, but the model "
            "has other weights. Export again with mlx-muzero export."
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


def _entries(manifest: Manifest, expansion: ExpansionMode, folder: Path) -> list[ProgramEntry]:
    """The programs that searches call; not `initial`, as the model itself evaluates roots."""
    names = set(PROGRAMS_FOR[expansion]) - {"initial"}
    entries = [entry for entry in manifest.programs if entry.name in names]
    missing = sorted(names - {entry.name for entry in entries})
    if missing:
        raise ExportError(
            f'{folder} lacks the program "{missing[0]}", which search.expansion = "{expansion}" '
            "needs. Export again with mlx-muzero export."
        )
    return entries
