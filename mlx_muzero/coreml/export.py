"""Exports a model: packages and manifest in one folder, verified before it appears."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from mlx_muzero import __version__
from mlx_muzero.config.schema import Config
from mlx_muzero.coreml import conversion
from mlx_muzero.coreml.packages import histogram, read_function, require_precision
from mlx_muzero.coreml.programs import AnyNetworks, build
from mlx_muzero.errors import ExportError
from mlx_muzero.exports.figures import Verification
from mlx_muzero.exports.interface import ExportSizes, ProgramName, features_read, programs_for
from mlx_muzero.exports.manifest import LayerNorm, Manifest, Precision, ProgramEntry, digests
from mlx_muzero.exports.market_networks import read_market_networks
from mlx_muzero.exports.networks import read_networks
from mlx_muzero.exports.weights import digest
from mlx_muzero.market.observation.outcomes import OUTCOME_NAMES
from mlx_muzero.runlog.folders import replaced
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.types import F32

JOINED_PACKAGE = "programs.mlpackage"

Verify = Callable[[Path], Verification]
"""Verifies an export in a folder that nobody else has seen yet."""


@dataclass(frozen=True)
class ExportOptions:
    """How a model is exported.

    Attributes:
        batches: rows of the programs; every program is made once for each.
        precision: number format inside the programs; the Neural Engine computes only in "fp16".
        layer_norm: "op" for a single operation, or "decomposed" into simpler ones.
        multifunction: all programs become functions of one package, which shares their weights.
    """

    batches: tuple[int, ...] = (1, 32, 64)
    precision: Precision = "fp16"
    layer_norm: LayerNorm = "op"
    multifunction: bool = False


def export(
    weights: Mapping[str, F32],
    config: Config,
    checkpoint: str,
    target: Path,
    verify: Verify,
    options: ExportOptions = ExportOptions(),
    tick: Callable[[], None] = lambda: None,
) -> Manifest:
    """Export the programs that the searches of `config` need into the folder `target`.

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

    Raises:
        ExportError: a tensor does not fit, a parameter is unknown, an operation has the wrong
            precision, the verification failed, or another export to `target` is in progress.
    """
    sizes, names = ExportSizes.of(config), programs_for(config)
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
                programs=_packages(folder, names, networks, sizes, options, tick),
                verification={},
                versions={"mlx_muzero": __version__}
                | {name: version(name) for name in ("coremltools", "mlx", "numpy")},
            )
            manifest.write(folder)
            verification = verify(folder)
            verification.require_passed()
            manifest = replace(manifest, verification=verification.as_dict())
            manifest.write(folder)
            return manifest
    except BlockingIOError as error:
        raise ExportError(f"another export to {target} is in progress; wait for it") from error


def _packages(
    folder: Path,
    names: tuple[ProgramName, ...],
    networks: AnyNetworks,
    sizes: ExportSizes,
    options: ExportOptions,
    tick: Callable[[], None],
) -> tuple[ProgramEntry, ...]:
    """Write every program's package into `folder`."""
    made: dict[str, tuple[ProgramName, int, Path]] = {}
    for name in names:
        for rows in options.batches:
            function = f"{name}_b{rows}"
            package = folder / f"{function}.mlpackage"
            program = build(name, networks, sizes, rows, options.precision, options.layer_norm)
            conversion.save(program, package)
            made[function] = (name, rows, package)
            tick()
    if options.multifunction:
        joined = folder / JOINED_PACKAGE
        conversion.join({function: package for function, (_, _, package) in made.items()}, joined)
        for _, _, package in made.values():
            shutil.rmtree(package)
        made = {function: (name, rows, joined) for function, (name, rows, _) in made.items()}
    return tuple(
        _entry(name, rows, package, function if options.multifunction else None, options.precision)
        for function, (name, rows, package) in made.items()
    )


def _entry(
    name: ProgramName, rows: int, package: Path, function: str | None, precision: Precision
) -> ProgramEntry:
    """The entry of a saved program, read back from disk."""
    saved = read_function(package, function)
    require_precision(saved, precision)
    return ProgramEntry(
        name=name,
        rows=rows,
        package=package.name,
        function=function,
        sha256=digests(package),
        inputs={tensor: tuple(var.shape) for tensor, var in saved.inputs.items()},
        outputs={var.name: tuple(var.shape) for var in saved.outputs},
        op_histogram=histogram(saved),
    )
