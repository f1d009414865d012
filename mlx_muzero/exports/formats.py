"""The export formats: what each states about itself, and how it is found.

A format NAME is the package ``mlx_muzero.NAME`` with a `FORMAT` in its module ``format``. Its
module ``loading`` has a `load_program` that a child process calls
(`mlx_muzero.exports.deployment.Loader`).
"""

from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, get_args

from mlx_muzero.config.choices import ExportFormat
from mlx_muzero.errors import ExportError
from mlx_muzero.exports.interface import ExportSizes, ProgramName
from mlx_muzero.exports.manifest import ProgramEntry, Weights
from mlx_muzero.exports.options import ExportOptions
from mlx_muzero.exports.placement import ProgramPlacement
from mlx_muzero.exports.program import ComputeUnits

if TYPE_CHECKING:
    from mlx_muzero.exports.graphs.programs import AnyNetworks

FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)


class Format(Protocol):
    """An export format and the framework of Apple's that runs it."""

    @property
    def title(self) -> str:
        """Name of the framework."""
        ...

    @property
    def system(self) -> str:
        """The system it needs to play on a Mac's own units."""
        ...

    @property
    def producer(self) -> str:
        """The Python package that writes exports, whose version a manifest states."""
        ...

    @property
    def shares_weights(self) -> bool:
        """Whether the programs of every export share their weights, so that none costs much."""
        ...

    @property
    def weights(self) -> tuple[Weights, ...]:
        """The numbers in which it can store weights."""
        ...

    @property
    def units(self) -> tuple[ComputeUnits, ...]:
        """Compute units the framework can be asked for."""
        ...

    @property
    def preferred_units(self) -> ComputeUnits:
        """Those that play unless others are named."""
        ...

    def units_here(self) -> tuple[ComputeUnits, ...]:
        """Those that there are on this machine; none if the framework does not run here."""
        ...

    def require_installed(self) -> None:
        """Check that exports can be made and read here.

        Raises:
            ExportError: the producer is missing, or of a version that is not known.
        """
        ...

    def require_readable(self, versions: dict[str, str], where: str) -> None:
        """Check that an export made with software of these `versions` can be read here.

        Raises:
            ExportError: it cannot; the message starts with `where`.
        """
        ...

    def most_calls(self, programs: Iterable[ProgramEntry]) -> int | None:
        """Calls of `programs` that one process can answer here; None if there is no limit."""
        ...

    def write(
        self,
        folder: Path,
        names: tuple[ProgramName, ...],
        networks: "AnyNetworks",
        sizes: ExportSizes,
        options: ExportOptions,
        tick: Callable[[], None],
    ) -> tuple[ProgramEntry, ...]:
        """Write every program into `folder`, and describe what was read back; `tick` after each.

        Raises:
            ExportError: an operation has the wrong precision.
        """
        ...

    def plan(self, folder: Path, units: ComputeUnits) -> tuple[ProgramPlacement, ...]:
        """Where the framework would run each operation of the export in `folder`."""
        ...


def format_named(name: ExportFormat) -> Format:
    """Load the format `name`, but not yet its library."""
    module: Any = import_module(f"mlx_muzero.{name}.format")
    found: Format = module.FORMAT
    return found


def installed_formats() -> tuple[ExportFormat, ...]:
    """The formats in which this machine can export."""
    return tuple(name for name in FORMATS if why_not_installed(name) is None)


def why_not_installed(name: ExportFormat) -> str | None:
    """Why this machine cannot export in that format; None if it can."""
    try:
        format_named(name).require_installed()
    except ExportError as error:
        return str(error)
    return None
