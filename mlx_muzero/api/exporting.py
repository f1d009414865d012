"""Exports a run's networks to Core ML or Core AI."""

from dataclasses import dataclass
from pathlib import Path

from mlx_muzero.api.running import as_run
from mlx_muzero.config.choices import ExportFormat
from mlx_muzero.experiment.exporting import export_run as export_verified
from mlx_muzero.experiment.trained_run import TrainedRun
from mlx_muzero.exports.figures import Verification
from mlx_muzero.exports.manifest import LayerNorm, Manifest, Precision, Weights
from mlx_muzero.exports.options import ExportOptions


@dataclass(frozen=True)
class ExportResult:
    """A verified export.

    Attributes:
        folder: folder of the export.
        manifest: its contents.
        verification: how far its programs differ from the model.
    """

    folder: Path
    manifest: Manifest
    verification: Verification


def export_run(
    run: TrainedRun | str | Path,
    *,
    export_format: ExportFormat = "coreml",
    batches: tuple[int, ...] = (1, 32, 64),
    precision: Precision = "fp16",
    layer_norm: LayerNorm = "op",
    multifunction: bool = False,
    weights: Weights = "float",
) -> ExportResult:
    """Export a run's networks into its folder; replaces an older export after verification.

    Args:
        run: a run that `load_run` returned, or its folder.
        export_format: "coreml" into ``export/``, or "coreai" into ``export-coreai/``.
        batches: numbers of rows; every program is made once for each.
        precision: number format inside the programs; the Neural Engine only computes in "fp16".
        layer_norm: "op" for a single operation, or "decomposed" into simpler ones.
        multifunction: put all programs into one Core ML package.
        weights: numbers in which weights are stored; "int8" for Core AI only.

    Raises:
        ExportError: the format's library is missing, or the programs differ from the model.
    """
    options = ExportOptions(batches, precision, layer_norm, multifunction, weights)
    loaded = as_run(run)
    found: list[Verification] = []
    manifest = export_verified(loaded, export_format, options, found.append)
    return ExportResult(loaded.folder.export_paths[export_format], manifest, found[0])
