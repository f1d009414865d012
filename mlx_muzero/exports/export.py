"""Exports a model: programs and manifest in one folder, verified before it appears."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from mlx_muzero import __version__
from mlx_muzero.config.choices import ExportFormat
from mlx_muzero.config.schema import Config
from mlx_muzero.errors import ExportError
from mlx_muzero.exports.figures import Verification
from mlx_muzero.exports.formats import format_named
from mlx_muzero.exports.interface import (
    ExportSizes,
    features_read,
    programs_for,
    programs_of_kind,
)
from mlx_muzero.exports.manifest import Manifest
from mlx_muzero.exports.market_networks import read_market_networks
from mlx_muzero.exports.networks import read_networks
from mlx_muzero.exports.options import USUAL_OPTIONS, ExportOptions
from mlx_muzero.exports.weights import digest
from mlx_muzero.market.observation.outcomes import OUTCOME_NAMES
from mlx_muzero.runlog.folders import replaced
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.types import F32

Verify = Callable[[Path], Verification]
"""Verifies an export in a folder that nobody else has seen yet."""


def export(
    weights: Mapping[str, F32],
    config: Config,
    checkpoint: str,
    target: Path,
    verify: Verify,
    options: ExportOptions = USUAL_OPTIONS,
    tick: Callable[[], None] = lambda: None,
    *,
    export_format: ExportFormat = "coreml",
) -> Manifest:
    """Export the programs of the model that `config` builds into the folder `target`.

    They are those that the searches of `config` need, or where programs share their weights all.

    A new export replaces an old one once it is complete and verified; until then, and if anything
    fails, the old one stays.

    Args:
        weights: the model's weights by name (`mlx_muzero.exports.weights.weights_of`).
        config: the run's configuration.
        checkpoint: name of the weights.
        target: the export folder.
        verify: verifies the export before it is moved to `target`.
        options: how to export.
        tick: called after every program.
        export_format: the format of the programs.

    Raises:
        ExportError: the format's library is missing, a tensor does not fit, a parameter is unknown,
            an operation has the wrong precision, the verification failed, or another export to
            `target` is in progress.
    """
    made = format_named(export_format)
    made.require_installed()
    if options.weights not in made.weights:
        raise ExportError(
            f"an export for {made.title} stores no {options.weights} weights; Core AI does: "
            "--format coreai"
        )
    sizes = ExportSizes.of(config)
    names = programs_of_kind(config) if made.shares_weights else programs_for(config)
    read = read_market_networks if config.model.kind == "factored" else read_networks
    networks = read(weights, sizes, options.precision)
    try:
        with replaced(target) as folder:
            manifest = Manifest(
                checkpoint=checkpoint,
                weights_sha256=digest(weights),
                config=config,
                precision=options.precision,
                layer_norm=options.layer_norm,
                features=features_read(config),
                actions=TradingRules.from_config(config).table.action_names,
                outcomes=OUTCOME_NAMES,
                programs=made.write(folder, names, networks, sizes, options, tick),
                verification={},
                versions={"mlx_muzero": __version__}
                | {name: version(name) for name in (made.producer, "mlx", "numpy")},
                export_format=export_format,
                weights=options.weights,
            )
            manifest.write(folder)
            verification = verify(folder)
            verification.require_passed()
            manifest = replace(manifest, verification=verification.as_dict())
            manifest.write(folder)
            return manifest
    except BlockingIOError as error:
        raise ExportError(f"another export to {target} is in progress; wait for it") from error
