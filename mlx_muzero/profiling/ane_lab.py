"""Makes the exports of a model that the questions about the Neural Engine need."""

from functools import cache
from pathlib import Path

from mlx_muzero.exports.devices import Devices
from mlx_muzero.exports.export import export
from mlx_muzero.exports.figures import Verification
from mlx_muzero.exports.interface import ProgramName
from mlx_muzero.exports.manifest import Manifest
from mlx_muzero.exports.options import ExportOptions
from mlx_muzero.exports.program import Program, ProgramSet
from mlx_muzero.exports.samples import Samples, random_samples
from mlx_muzero.exports.verification import interpreted, verify
from mlx_muzero.exports.weights import weights_of
from mlx_muzero.profiling.subject import Subject

SAMPLES = 64


class Lab:
    """A model, a folder for its exports, and Core ML if available.

    Attributes:
        subject: the model.
        core_ml: runs and plans its exports; None except on macOS.
        samples: situations to call programs with.
        folder: receives exports.
    """

    def __init__(self, subject: Subject, folder: Path, core_ml: Devices | None) -> None:
        self.subject = subject
        self.core_ml = core_ml
        self.samples: Samples = random_samples(subject.model, SAMPLES)
        self.folder = folder
        self.exported = cache(self._export)
        """Returns the folder of an export with the given options, made once."""

    def interpreted(self, folder: Path) -> ProgramSet:
        """Load the programs of an export into the NumPy interpreter."""
        programs: dict[ProgramName, dict[int, Program]] = {}
        for entry in Manifest.load(folder).programs:
            program = interpreted(folder, entry)
            programs.setdefault(entry.name, {})[entry.rows] = program
        return programs

    def verified(self, options: ExportOptions) -> Verification:
        """Compare the outputs of an export with the model's, on every unit of Core ML too."""
        folder, model, table = self.exported(options), self.subject.model, self.subject.table
        return verify(folder, model, table, self.samples, self.core_ml, quick=True)

    def deployed(self, options: ExportOptions) -> Subject:
        """The model with an export with these options."""
        subject, folder = self.subject, self.exported(options)
        return Subject(subject.name, subject.config, subject.model, {"coreml": folder})

    def _export(self, options: ExportOptions) -> Path:
        model, config = self.subject.model, self.subject.config
        target = self.folder / f"{len(list(self.folder.iterdir()))}"

        def check(folder: Path) -> Verification:
            table = self.subject.table
            return verify(folder, model, table, self.samples, quick=True)

        export(weights_of(model), config, self.subject.name, target, check, options)
        return target
