"""What this machine can run, and how fast: the checks behind ``mlx-muzero doctor``.

MLX is only imported in child processes, because it aborts the importing process if its device
cannot be set up.
"""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any, Literal, NamedTuple

from mlx_muzero import __version__
from mlx_muzero.coreai.producer import PACKAGE
from mlx_muzero.machine import processor

Status = Literal["ok", "warn", "unavailable", "fail"]

MIN_BLAS_SPEEDUP = 20.0
"""Speed of OpenBLAS relative to MLX's reference BLAS below which something is wrong."""

PROBE_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Check:
    """One finding.

    Attributes:
        name: what was checked.
        status: ``ok``, ``warn`` (works, but not as it should), ``unavailable`` (an optional part
            this machine lacks) or ``fail`` (mlx_muzero does not work).
        detail: what was found.
        remedy: what to do about it; empty if there is nothing to do.
    """

    name: str
    status: Status
    detail: str
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        """The fields by name, ready for JSON."""
        return asdict(self)


def examine() -> list[Check]:
    """Run every check, most basic first; takes a few seconds and never raises."""
    return [
        check_machine(),
        check_python(),
        check_core(),
        check_kernels(),
        check_mlx(),
        check_blas(),
        check_backends(),
        check_compiler(),
        check_duckdb(),
        check_coremltools(),
        check_core_ai(),
        check_packages(),
        check_neural_engine(),
    ]


def check_machine() -> Check:
    """Operating system, processor, cores and memory."""
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    detail = (
        f"{platform.platform()}, {platform.machine()}, {os.cpu_count()} cores, "
        f"{memory_gib:.1f} GiB of memory"
    )
    return Check("machine", "ok", detail)


def check_python() -> Check:
    """The interpreter's version."""
    detail = f"{platform.python_implementation()} {platform.python_version()}"
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Check("python", "ok", detail)
    return Check("python", "fail", detail, "use Python 3.11, 3.12 or 3.13")


def check_core() -> Check:
    """mlx_muzero's version, and whether its C++ search core loads."""
    probe = _probe("import mlx_muzero._core; print('{}')")
    if probe.failure:
        detail = f"{__version__}; the C++ search core does not load: {probe.failure}"
        return Check("mlx_muzero", "fail", detail, "reinstall mlx-muzero")
    return Check("mlx_muzero", "ok", f"{__version__}, C++ search core loaded")


_KERNELS_PROBE = """
import json
from typing import get_args
from mlx_muzero import _core
from mlx_muzero.config.choices import Precision
from mlx_muzero.kernel_choice import kernels_here
used = {}
for precision in get_args(Precision):
    choice = kernels_here(precision)
    how = dict(_core.instructions(choice.name))[precision]
    used.setdefault(choice, []).append(f"{precision} by {how}")
used = [{"name": name, "why": why, "by": ", ".join(by)} for (name, why), by in used.items()]
others = [name for name in _core.kernels() if name not in {each["name"] for each in used}]
print(json.dumps({"used": used, "others": others, "left_out": _core.sme_is_left_out()}))
"""


def check_kernels() -> Check:
    """The kernels that the native backend computes with by precision, why, and the others."""
    probe = _probe(_KERNELS_PROBE)
    if probe.failure:
        remedy = "unset MLX_MUZERO_KERNELS if it is set, and see the mlx_muzero check"
        return Check("kernels", "fail", f"the native backend has none: {probe.failure}", remedy)
    found = probe.found
    detail = "; ".join(f"{each['name']} ({each['by']}), {each['why']}" for each in found["used"])
    if others := ", ".join(found["others"]):
        detail += f"; also here: {others}"
    if not found["left_out"]:
        return Check("kernels", "ok", detail)
    detail += "; the processor has SME, for which this build has no kernels"
    return Check("kernels", "unavailable", detail, "build with Clang 19 or newer")


_MLX_PROBE = """
import json, mlx_muzero, mlx.core as mx
device, metal = str(mx.default_device()), mx.metal.is_available()
print(json.dumps({"version": mx.__version__, "device": device, "metal": metal}))
"""


def check_mlx() -> Check:
    """MLX's version and default device."""
    probe = _probe(_MLX_PROBE)
    if probe.failure:
        remedy = "reinstall mlx; on a Mac, run in a session that can reach the GPU"
        return Check("mlx", "fail", f"MLX does not load: {probe.failure}", remedy)
    detail = f"{probe.found['version']}, default device {probe.found['device']}"
    if sys.platform == "darwin" and not probe.found["metal"]:
        return Check("mlx", "warn", f"{detail}, without Metal", "use an Apple silicon Mac")
    if (unused := _unused_accelerators()) is not None:
        return Check("mlx", "warn", f"{detail}; {unused}", "update to macOS 26.2 or later")
    return Check("mlx", "ok", detail)


_WITH_ACCELERATORS = 5
"""First generation of Apple's M chips whose GPU has neural accelerators."""
_ACCELERATORS_FROM = (26, 2)
"""The macOS for which MLX's kernels for them are built."""


def _unused_accelerators() -> str | None:
    """Why the neural accelerators in this Mac's GPU are of no use; None if they are, or not there.

    On macOS 26.0 and 26.1, MLX's wheel takes them to be usable (ml-explore/mlx#4525).
    """
    chip = re.match(r"Apple M(\d+)", processor())
    if chip is None or int(chip[1]) < _WITH_ACCELERATORS:
        return None
    release = platform.mac_ver()[0]
    if tuple(int(part) for part in release.split(".")[:2]) >= _ACCELERATORS_FROM:
        return None
    return f"MLX uses the neural accelerators of its GPU from macOS 26.2 on, not {release}"


_BLAS_PROBE = """
import json, statistics, time
{preload}
import mlx.core as mx
mx.set_default_device(mx.cpu)
a, b = mx.random.normal((64, 256)), mx.random.normal((256, 256)).T
mx.eval(a, b)
seconds = []
for _ in range(101):
    start = time.perf_counter()
    mx.eval(a @ b)
    seconds.append(time.perf_counter() - start)
gflops = 2 * 64 * 256 * 256 / statistics.median(seconds) / 1e9
print(json.dumps({{"gflops": gflops}} | {info}))
"""
_OURS = _BLAS_PROBE.format(
    preload="from dataclasses import asdict; from mlx_muzero import blas; info = blas.preload()",
    info="asdict(info)",
)
_MLX_ALONE = _BLAS_PROBE.format(preload="", info="{}")


def check_blas() -> Check:
    """The BLAS used by MLX's CPU backend, and its speed on one 64x256x256 float32 product."""
    ours = _probe(_OURS)
    if ours.failure:
        return Check("blas", "fail", f"cannot be measured: {ours.failure}", "see the mlx check")
    speed = f"{ours.found['name']}: {ours.found['gflops']:.1f} GFLOP/s on 64x256x256 float32"
    if sys.platform == "darwin":
        return Check("blas", "ok", speed)
    if ours.found["fallback_reason"]:
        return Check("blas", "warn", speed, ours.found["fallback_reason"])
    if ours.found["core_reason"]:
        speed += f" with {ours.found['core_reason']}"
    alone = _probe(_MLX_ALONE)
    if alone.failure:
        return Check("blas", "warn", f"{speed}; MLX's own BLAS: {alone.failure}", "reinstall mlx")
    ratio = ours.found["gflops"] / alone.found["gflops"]
    detail = f"{speed}, {ratio:.0f}x MLX's own BLAS ({alone.found['gflops']:.1f} GFLOP/s)"
    if ratio >= MIN_BLAS_SPEEDUP:
        return Check("blas", "ok", detail)
    remedy = f"at least {MIN_BLAS_SPEEDUP:.0f}x is usual: run again on an idle machine"
    return Check("blas", "warn", detail, remedy)


_BACKENDS_PROBE = """
import json, mlx_muzero
from mlx_muzero.agent.backend_choice import settle
from mlx_muzero.config.presets import FX_FACTORED, FX_MICRO
from mlx_muzero.trading.positions import FX_ACTIONS
from mlx_muzero.training.models import build_model
found = {}
for name, config in (("fx_micro", FX_MICRO), ("fx_factored", FX_FACTORED)):
    _, speeds = settle(build_model(config, FX_ACTIONS), config.search)
    found[name] = {"speeds": str(speeds), "fastest": speeds.fastest}
print(json.dumps(found))
"""


def check_backends() -> Check:
    """How fast the search backends evaluate leaves, with the networks of either kind of model."""
    probe = _probe(_BACKENDS_PROBE)
    if probe.failure:
        return Check("search", "fail", f"cannot be measured: {probe.failure}", "see the mlx check")
    measured = (
        f'{name}: {found["speeds"]}, of which search.backend = "auto" takes {found["fastest"]}'
        for name, found in probe.found.items()
    )
    return Check("search", "ok", f"leaves/s of {'; '.join(measured)}")


def check_compiler() -> Check:
    """The C++ compiler that MLX's CPU backend calls at run time."""
    path = shutil.which("g++")
    failure = "no g++" if path is None else _failure_to_compile(path)
    if not failure:
        return Check("compiler", "ok", f"{path}; mx.compile works on the CPU with it")
    detail = f"{failure}: training gives the same results on the CPU, but more slowly"
    remedy = "xcode-select --install" if sys.platform == "darwin" else "install g++"
    return Check("compiler", "unavailable", detail, remedy)


_SMALL_KERNEL = """
#include <cmath>
extern "C" double kernel(double x) { return std::exp(x); }
"""


def _failure_to_compile(compiler: str) -> str:
    """Why `compiler` makes no library of a small program, as MLX asks it to; empty if it does."""
    # A g++ on the PATH may be a stub that asks for the real one, or find no headers.
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "kernel.cpp")
        source.write_text(_SMALL_KERNEL)
        command = [compiler, "-std=c++17", "-O3", "-fPIC", "-shared", str(source)]
        try:
            done = subprocess.run(
                [*command, "-o", str(source.with_suffix(".so"))],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=PROBE_TIMEOUT_S,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"{compiler} does not run ({error})"
    if done.returncode == 0:
        return ""
    said = done.stderr.decode(errors="replace").strip().splitlines()
    return f"{compiler} does not compile ({said[0] if said else f'exit {done.returncode}'})"


def check_duckdb() -> Check:
    """The bar store's database."""
    installed = _installed("duckdb")
    if installed is None:
        return Check("duckdb", "fail", "not installed", "pip install duckdb")
    return Check("duckdb", "ok", installed)


def check_coremltools() -> Check:
    """The optional exporter to Core ML."""
    purpose = "exports the networks to Core ML"
    if sys.platform != "darwin":
        purpose += "; running an export requires a Mac"
    installed = _installed("coremltools")
    if installed is None:
        detail = f"not installed: {purpose}"
        return Check("coremltools", "unavailable", detail, "pip install 'mlx-muzero[coreml]'")
    return Check("coremltools", "ok", f"{installed}: {purpose}")


def check_core_ai() -> Check:
    """The optional exporter to Core AI, and Apple's runtime with it."""
    from mlx_muzero.exports.formats import format_named, why_not_installed

    here = "its runtime has the CPU here, the Neural Engine needs macOS 27"
    if "neural_engine" in format_named("coreai").units_here():
        here = "it runs on the Neural Engine, the GPU and the CPU"
    installed, missing = _installed(PACKAGE), why_not_installed("coreai")
    if missing is not None:
        install = "pip install 'mlx-muzero[coreai]'"
        return Check(PACKAGE, "unavailable", missing.removesuffix(f": {install}"), install)
    return Check(PACKAGE, "ok", f"{installed}: exports the networks to Core AI; {here}")


_REQUIREMENT = re.compile(r"[\w.-]+")
_EXTRA = re.compile(r"extra == ['\"](\w+)")
_ELSEWHERE = ("mlx", "mlx-muzero", "duckdb", "coremltools", PACKAGE)
"""Packages that have their own check."""


def check_packages() -> Check:
    """Versions of the other required packages, and optional packages that are missing."""
    there, missing = {}, {}
    for requirement in requires("mlx-muzero") or []:
        (name,) = _REQUIREMENT.findall(requirement)[:1]
        extra = _EXTRA.search(requirement)
        if name in _ELSEWHERE or (extra is not None and extra[1] == "dev"):
            continue
        installed = _installed(name)
        if installed is not None:
            there[name] = installed
        elif extra is not None:
            missing[name] = extra[1]
    detail = ", ".join(f"{name} {installed}" for name, installed in sorted(there.items()))
    if not missing:
        return Check("packages", "ok", detail)
    optional = ", ".join(f"{name} ({extra})" for name, extra in sorted(missing.items()))
    remedy = f"pip install 'mlx-muzero[{','.join(sorted(set(missing.values())))}]'"
    return Check("packages", "unavailable", f"{detail}; not installed: {optional}", remedy)


def check_neural_engine() -> Check:
    """Whether Core ML and the Apple Neural Engine (ANE) can be used."""
    if sys.platform != "darwin":
        detail = "only on macOS; the search runs on the CPU here"
        return Check("neural engine", "unavailable", detail)
    release = platform.mac_ver()[0]
    if platform.machine() != "arm64":
        detail = f"macOS {release} on {platform.machine()}: Core ML without a Neural Engine"
        return Check("neural engine", "unavailable", detail)
    return Check("neural engine", "ok", f"macOS {release} on Apple silicon")


class _Probe(NamedTuple):
    """What a child process found, or why it failed."""

    found: dict[str, Any]
    failure: str = ""


def _probe(code: str) -> _Probe:
    """Run `code` in a child interpreter; its last line of output must be a JSON object."""
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", code],
            capture_output=True,
            text=True,
            timeout=PROBE_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return _Probe({}, f"no answer in {PROBE_TIMEOUT_S:.0f} s")
    if done.returncode < 0:
        return _Probe({}, f"the process died of signal {-done.returncode}")
    if done.returncode > 0:
        return _Probe({}, (done.stderr.strip().splitlines() or ["no message"])[-1])
    return _Probe(json.loads(done.stdout.splitlines()[-1]))


def _installed(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
