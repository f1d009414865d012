"""Export a run's networks to Core ML."""

from dataclasses import dataclass
from pathlib import Path

from mlx_muzero.api.running import as_run
from mlx_muzero.coreml.export import ExportOptions
from mlx_muzero.experiment.exporting import export_run as export_verified
from mlx_muzero.experiment.trained_run import TrainedRun
from mlx_muzero.exports.figures import Verification
from mlx_muzero.exports.manifest import LayerNorm, Manifest, Precision


@dataclass(frozen=True)
class ExportResult:
    """An export that was verified.

    Attributes:
        folder: where it lies.
        manifest: what it holds.
        verification: how far its programs are from the model.
    """

    folder: Path
    manifest: Manifest
    verification: Verification


def export_run(
    run: TrainedRun | str | Path,
    *,
    batches: tuple[int, ...] = (1, 32, 64),
    precision: Precision = "fp16",
    layer_norm: LayerNorm = "op",
    multifunction: bool = False,
) -> ExportResult:
    """Export a run's networks into its ``export/``, verified before they replace an older export.

    Args:
        run: that `load_run` gave, or its folder.
        batches: rows of the programs, each of which is made once for each number.
        precision: of the numbers inside; the Neural Engine computes in "fp16" only.
        layer_norm: as one operation, or "decomposed" into simpler ones.
        multifunction: one package for all programs.

    Raises:
        ExportError: coremltools is missing, or the programs are not the model.
    """
    options = ExportOptions(batches, precision, layer_norm, multifunction)
    loaded = as_run(run)
    found: list[Verification] = []
    manifest = export_verified(loaded, options, found.append)
    return ExportResult(loaded.folder.export_path, manifest, found[0])
