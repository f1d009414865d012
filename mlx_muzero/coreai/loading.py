"""Loads the programs of a Core AI export, for Apple's runtime or for the interpreter."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from mlx_muzero.coreai.functions import Function
from mlx_muzero.coreai.interpreting import interpreter
from mlx_muzero.coreai.producer import PRODUCER, require_same_producer
from mlx_muzero.coreai.reading import read_apart
from mlx_muzero.exports.manifest import Manifest, ProgramEntry
from mlx_muzero.exports.program import ComputeUnits, Engine, Program

if TYPE_CHECKING:
    from mlx_muzero.coreai.runtime import Model


def load_program(folder: Path, entry: ProgramEntry, engine: Engine, units: ComputeUnits) -> Program:
    """Load the program `entry` of the export in `folder`; `units` apply to Apple's runtime only.

    The asset is loaded with the first of its programs, and let go with the last.

    Raises:
        ExportError: it cannot be loaded here, is of another version of coreai-core, or has an
            operation the interpreter lacks.
    """
    require_same_producer(Manifest.load(folder).versions, str(folder))
    asset, name = folder / entry.package, entry.function or entry.key
    if engine == "sim":
        return interpreter(f"{entry.package} {name}", _read(asset, entry.content)[name])
    from mlx_muzero.coreai.runtime import Model

    key = asset, entry.content, units
    model = _loaded.get(key)
    if model is None:
        model = _loaded[key] = Model(asset, f"{entry.content}-{PRODUCER}", units)
    return model.function(name)


@lru_cache(maxsize=1)
def _read(asset: Path, content: str) -> dict[str, Function]:
    """Read an asset back; one read serves all of its functions."""
    return read_apart(asset)


_loaded: "WeakValueDictionary[tuple[Path, str, ComputeUnits], Model]" = WeakValueDictionary()
"""Assets in use: Apple's runtime aborts a process that ends with one."""
