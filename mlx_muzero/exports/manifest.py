"""An export's `manifest.json`: what was exported, from which weights, and digests of its files."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.choices import ExportFormat
from mlx_muzero.config.schema import Config
from mlx_muzero.errors import ConfigError, ExportError
from mlx_muzero.exports.interface import ExportSizes, ProgramName, Shape
from mlx_muzero.files.digests import sha256_of
from mlx_muzero.files.refusals import named, why_unreadable
from mlx_muzero.files.regular import read_text, require_folder
from mlx_muzero.untrusted.json_values import parsed
from mlx_muzero.untrusted.shapes import (
    Malformed,
    count,
    mapping,
    one_of,
    optional,
    plain,
    record,
    sequence,
    text,
)

Precision = Literal["fp16", "fp32"]
LayerNorm = Literal["op", "decomposed"]
Weights = Literal["float", "int8"]
Exactness = Literal[Precision, "int8"]
"""What decides how far an export may be from its model: its precision, or weights that are less."""

FORMAT_VERSION = 1

_FILE = "manifest.json"
_CONTENT: dict[ExportFormat, str] = {"coreml": "Data", "coreai": "main.mlirb"}
"""Part of a package that holds program and weights; names or dates next to it are others."""


@dataclass(frozen=True)
class ProgramEntry:
    """One program of an export.

    Attributes:
        name: the program.
        rows: the fixed number of rows.
        package: file name in the export folder.
        function: its name in the package; None for a package with one function.
        sha256: digests of the package's program and weights, by path inside the package.
        inputs: shape of each input.
        outputs: shape of each output.
        op_histogram: number of occurrences of each operation, not counting constants.
        structure_sha256: digest of its weights and operations alone, where the files of equal
            programs differ; empty where they do not.
    """

    name: ProgramName
    rows: int
    package: str
    function: str | None
    sha256: dict[str, str]
    inputs: dict[str, Shape]
    outputs: dict[str, Shape]
    op_histogram: dict[str, int]
    structure_sha256: str = ""

    @property
    def key(self) -> str:
        """Its unique name within the export, such as ``recurrent_b32``."""
        return f"{self.name}_b{self.rows}"

    @property
    def content(self) -> str:
        """A single digest of the package's program and weights."""
        return hashlib.sha256(json.dumps(self.sha256, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Manifest:
    """Contents of an export folder.

    Attributes:
        checkpoint: name of the checkpoint the weights come from.
        weights_sha256: digest of its weights (`mlx_muzero.exports.weights.digest`).
        config: the run's configuration.
        precision: number format inside the programs.
        layer_norm: as one operation, or decomposed.
        features: names of the columns of an observation that the programs read.
        actions: names of the actions.
        outcomes: names of the chance outcomes.
        programs: the programs.
        verification: results of the verification the export passed; empty before it.
        versions: versions of the software that made it.
        export_format: the format of the programs.
        weights: numbers in which the weights of layers are stored: of the precision, or int8.
    """

    checkpoint: str
    weights_sha256: str
    config: Config
    precision: Precision
    layer_norm: LayerNorm
    features: tuple[str, ...]
    actions: tuple[str, ...]
    outcomes: tuple[str, ...]
    programs: tuple[ProgramEntry, ...]
    verification: dict[str, Any]
    versions: dict[str, str]
    export_format: ExportFormat = "coreml"
    weights: Weights = "float"

    @property
    def exactness(self) -> Exactness:
        """How exact its programs can be."""
        return self.precision if self.weights == "float" else self.weights

    @property
    def sizes(self) -> ExportSizes:
        """The sizes that determine the programs' shapes."""
        found = ExportSizes.of(self.config)
        return replace(
            found,
            features=len(self.features),
            actions=len(self.actions) if found.actions else 0,
            outcomes=len(self.outcomes),
        )

    @staticmethod
    def load(folder: Path) -> "Manifest":
        """Load the manifest of the export in `folder`, without checking its files (`check_files`).

        Raises:
            ExportError: there is no export, or its manifest is damaged or of another version.
        """
        path = folder / _FILE
        try:
            values = parsed(read_text(path))
            version = values.pop("format")
            if version != FORMAT_VERSION:
                raise ExportError(
                    f"{path}: export format {version}, but this version of mlx_muzero reads "
                    f"format {FORMAT_VERSION}. Export again."
                )
            return _from_json(values)
        except FileNotFoundError as error:
            inside = folder / "export"  # of a run
            way_on = "mlx-muzero export RUN makes one, in RUN/export"
            if (inside / _FILE).is_file():
                way_on = f"name {inside}"
            raise ExportError(f"{folder} holds no export (no {_FILE} there); {way_on}.") from error
        except (OSError, ValueError, KeyError, TypeError, AttributeError, ConfigError) as error:
            raise ExportError(f"{path}: cannot read it ({error}). Export again.") from error

    def as_dict(self) -> dict[str, Any]:
        """The manifest for JSON."""
        return {"format": FORMAT_VERSION, **asdict(self)}

    def write(self, folder: Path) -> None:
        """Write ``manifest.json`` into `folder`."""
        path = folder / _FILE
        with named(path):
            path.write_text(json.dumps(self.as_dict(), indent=1, allow_nan=False))

    def check_files(self, folder: Path) -> None:
        """Compare every package in `folder` with what was exported.

        Raises:
            ExportError: a file is missing, unknown, changed or unreadable; the message names it.
        """
        # Programs of one multifunction package share its files.
        for package, wanted in {entry.package: entry.sha256 for entry in self.programs}.items():
            try:
                found = digests(folder / package, self.export_format)
            except OSError as error:
                raise ExportError(
                    f"{error.filename}: {why_unreadable(error)}. Export again."
                ) from error
            for name in sorted(wanted.keys() | found.keys()):
                if found.get(name) == wanted.get(name):
                    continue
                state = "missing" if name not in found else "not part of this export"
                if name in wanted and name in found:
                    state = "changed since it was exported"
                raise ExportError(f"{folder / package / name} is {state}. Export again.")


def is_export(folder: Path) -> bool:
    """Whether there is a manifest in `folder`."""
    return (folder / _FILE).is_file()


def export_format(folder: Path) -> ExportFormat:
    """The format of the export in `folder`.

    Raises:
        ExportError: there is no export, or its manifest is damaged or of another version.
    """
    return Manifest.load(folder).export_format


def digests(package: Path, export_format: ExportFormat) -> dict[str, str]:
    """SHA-256 of each file of a package's program and weights, by path inside the package.

    Of Core ML packages, they are the same for two exports of the same weights.

    Raises:
        OSError: it contains a link or something that is not a file.
    """
    require_folder(package)
    content = package / _CONTENT[export_format]
    if export_format == "coreai":
        return {content.name: sha256_of(content)}
    require_folder(content)
    return {
        str(path.relative_to(package)): sha256_of(path)
        for path in sorted(content.rglob("*"))
        if path.is_symlink() or not path.is_dir()
    }


def _sibling_name(value: Any) -> str:
    """Parse the name of a file in the manifest's folder, and nowhere else."""
    name = text(value)
    if name in ("", ".", "..") or not name.isprintable() or Path(name).name != name:
        raise Malformed("a file name")
    return name


_shapes = mapping(sequence(count))
_ENTRY = record(
    {
        "name": one_of(get_args(ProgramName)),
        "rows": count,
        "package": _sibling_name,
        "function": optional(text),
        "sha256": mapping(text),
        "inputs": _shapes,
        "outputs": _shapes,
        "op_histogram": mapping(count),
    },
    {"structure_sha256": text},
)
_MANIFEST = record(
    {
        "checkpoint": _sibling_name,
        "weights_sha256": text,
        "config": mapping(plain),
        "precision": one_of(get_args(Precision)),
        "layer_norm": one_of(get_args(LayerNorm)),
        "features": sequence(text),
        "actions": sequence(text),
        "outcomes": sequence(text),
        "programs": sequence(_ENTRY),
        "verification": mapping(plain),
        "versions": mapping(text),
    },
    {"export_format": one_of(get_args(ExportFormat)), "weights": one_of(get_args(Weights))},
)


def _from_json(values: Any) -> Manifest:
    values = _MANIFEST(values)
    for name in ("features", "actions", "outcomes"):
        values[name] = tuple(values[name])
    values["config"] = config_toml.from_tables(values["config"], "config")
    values["programs"] = tuple(_entry(program) for program in values["programs"])
    return Manifest(**values)


def _entry(values: dict[str, Any]) -> ProgramEntry:
    for name in ("inputs", "outputs"):
        values[name] = {tensor: tuple(shape) for tensor, shape in values[name].items()}
    return ProgramEntry(**values)
