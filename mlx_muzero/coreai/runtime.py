"""Runs the functions of a Core AI asset in Apple's runtime, always in a child process.

The runtime may end its process, and it answers through an event loop. A loop of asyncio would lose
half a kilobyte with every call, since the runtime keeps the future that it has answered; here one
future serves every call.
"""

import asyncio
import tempfile
import threading
from collections.abc import Callable, Coroutine, Generator, Mapping
from contextvars import Context
from pathlib import Path
from typing import Any

from mlx_muzero.coreai.graphs import HELD
from mlx_muzero.coreai.toolkit import authoring as ca
from mlx_muzero.coreai.toolkit import runtime
from mlx_muzero.errors import ExportError
from mlx_muzero.exports.compiled_cache import load_compiled
from mlx_muzero.exports.program import ComputeUnits
from mlx_muzero.types import F32

LOWERED = ".aimodelx"
"""Suffix of a lowered asset: what the runtime in the package loads."""


class Model:
    """A loaded asset."""

    def __init__(self, asset: Path, content: str, units: ComputeUnits) -> None:
        """Load it; the first load of a content lowers it, or specializes it for a Mac's units.

        Args:
            asset: the ``.aimodel``.
            content: digest of its program and weights.
            units: units it may use; on Linux there is the CPU only.

        Raises:
            ExportError: this machine does not have these units.
        """
        self._calls = _Calls()
        options = _options(units)
        if options is None:
            self._model: Any = load_compiled(asset, content, _lower, self._load, suffix=LOWERED)
        else:
            self._model = self._calls.run(runtime.AIModel.load(asset, options))

    def function(self, name: str) -> "AssetProgram":
        """Load one function."""
        return AssetProgram(self._model.load_function(name), self._calls)

    def _load(self, lowered: Path) -> Any:
        return self._calls.run(runtime.AIModel.load(lowered))


def debug_infos(asset: Path, units: ComputeUnits) -> bytes:
    """What the runtime tells of an asset that it loaded with debugging information, as JSON.

    Raises:
        ExportError: this machine does not have these units.
    """
    calls, options = _Calls(), _options(units)
    if options is not None:
        model = calls.run(runtime.AIModel.load(asset, options.with_debug(enabled=True)))
        return bytes(model._debug_infos)
    with tempfile.TemporaryDirectory() as folder:
        lowered = Path(folder, f"asset{LOWERED}")
        _lower(asset, lowered)
        return bytes(calls.run(runtime.AIModel.load(lowered))._debug_infos)


class AssetProgram:
    """One function of an asset as a `Program`; its states are made once.

    An input takes a copy of an array when it is made, and what is written to it later is lost.
    """

    def __init__(self, function: Any, calls: "_Calls") -> None:
        self._function, self._calls = function, calls
        described = function.desc
        self._inputs = tuple(described.input_names)
        self._states = {
            name: runtime.NDArray.from_descriptor(described.state_descriptor(name))
            for name in described.state_names
        }

    def __call__(self, inputs: Mapping[str, F32]) -> dict[str, F32]:
        """See `Program`."""
        entered = {name: runtime.NDArray(inputs[name]) for name in self._inputs}
        self._calls.run(self._function(entered, self._states))
        # The runtime may have moved a state: its view is taken anew.
        return {
            name.removeprefix(HELD): state.numpy().copy() for name, state in self._states.items()
        }


class _Future:
    """The future of the call under way; its names are those the runtime calls."""

    def __init__(self) -> None:
        self._answered = threading.Event()
        self._result: Any = None
        self._error: BaseException | None = None

    def set_result(self, result: Any) -> None:
        self._result = result
        self._answered.set()

    def set_exception(self, error: BaseException) -> None:
        self._error = error
        self._answered.set()

    def done(self) -> bool:
        return self._answered.is_set()

    def cancelled(self) -> bool:
        return False

    def forget(self) -> "_Future":
        self._answered.clear()
        self._result = self._error = None
        return self

    def __await__(self) -> Generator["_Future", None, Any]:
        yield self
        self._answered.wait()
        if self._error is not None:
            raise self._error
        return self._result


class _Calls:
    """A loop that runs one coroutine of the runtime at a time, in the thread that waits for it."""

    def __init__(self) -> None:
        self._future = _Future()

    def create_future(self) -> Any:
        """The only future, as new."""
        return self._future.forget()

    def call_soon_threadsafe(
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> None:
        """Call at once: what the runtime calls is a method of the future."""
        callback(*args)

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run to the end and return the result."""
        asyncio._set_running_loop(self)  # type: ignore[arg-type]
        try:
            while True:
                coroutine.send(None)
        except StopIteration as done:
            return done.value
        finally:
            asyncio._set_running_loop(None)


def _lower(asset: Path, destination: Path) -> None:
    """Lower an asset into the new folder `destination`, an ``.aimodelx``."""
    destination.mkdir()
    ca.AIModelAsset.load(asset)._write_odix(destination)


def _options(units: ComputeUnits) -> Any:
    """What the asset is specialized for; None for the package's own runtime, which has the CPU."""
    if not runtime.SpecializationOptions.is_supported():
        if units != "cpu_only":
            raise ExportError(
                f"Core AI on {units} needs macOS 27; elsewhere its runtime has the CPU (cpu_only), "
                "which the backend coreai-cpu plays on"
            )
        return None
    if units == "cpu_only":
        return runtime.SpecializationOptions.cpu_only()
    kind = getattr(runtime.ComputeUnitKind, units)()
    return runtime.SpecializationOptions.from_preferred_compute_unit_kind(kind)
