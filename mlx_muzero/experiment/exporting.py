"""Exports a run and verifies the export on the run's own bars before it appears."""

from collections.abc import Callable
from pathlib import Path

from mlx_muzero.coreml.core_ml import core_ml
from mlx_muzero.coreml.export import ExportOptions, export
from mlx_muzero.coreml.verification import SAMPLES, verify
from mlx_muzero.experiment.trained_run import TrainedRun
from mlx_muzero.exports.figures import Verification
from mlx_muzero.exports.manifest import Manifest
from mlx_muzero.exports.samples import draw_samples
from mlx_muzero.exports.weights import weights_of
from mlx_muzero.networks.kinds import require_muzero

VERIFYING = "verifying: calls of programs"


def export_run(
    run: TrainedRun,
    options: ExportOptions,
    judged: Callable[[Verification], None],
    tick: Callable[[], None] = lambda: None,
    doing: Callable[[str], None] = lambda _what: None,
) -> Manifest:
    """Export the networks of `run` into its folder; an older export stays until verified.

    Args:
        run: the run to export.
        options: how to export.
        judged: receives the verification, even if it failed.
        tick: called for every program made, and for every call of one during verification.
        doing: called when verification begins.

    Raises:
        ExportError: coremltools is missing, or the programs differ from the model.
    """
    model = require_muzero(run.model, "export")
    samples = draw_samples(run.dataset, run.rules, SAMPLES)

    def verified(folder: Path) -> Verification:
        doing(VERIFYING)
        found = verify(folder, model, run.rules.table, samples, core_ml(), tick=tick)
        judged(found)
        return found

    return export(
        weights_of(model),
        run.config,
        run.checkpoint,
        run.folder.export_path,
        verified,
        options,
        tick,
    )


def verify_export(
    folder: Path, run: TrainedRun, tick: Callable[[], None] = lambda: None
) -> Verification:
    """Verify the export in `folder` against the model of `run`, from which it was made.

    Raises:
        ExportError: its files were changed, or it was made from other weights.
    """
    model = require_muzero(run.model, "verify")
    samples = draw_samples(run.dataset, run.rules, SAMPLES)
    return verify(folder, model, run.rules.table, samples, core_ml(), tick=tick)
